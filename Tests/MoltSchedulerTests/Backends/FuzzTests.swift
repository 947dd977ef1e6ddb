import FoundationEssentials
import MoltBackends
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Everything that reads what Slurm or the helper say, fed with broken copies of real answers.
@Suite(.serialized) struct FuzzTests {
    private func check(_ result: Fuzz.Result) {
        #expect(result.isFine(atLeast: 500), "\(result)")
    }

    /// Covers J8, N17.
    @Test func squeuesTable() {
        let table = SqueueTable(nonce: "n0nce")
        let text = (1...5).map { SqueueTableTests.record([0: "\($0)"]) }.joined()
        check(Fuzz("squeue's table", [text], pieces: ["~n0nce~", "n[1-", "99999-1", "N/A"]).hammer {
            _ = try? table.read($0, asOf: 0) { _ in false }
        })
    }

    @Test func listsOfNodes() {
        let lists = ["r[0-1]n[0-3],m[001-099]-ib", "a[1-9999][1-9999][1-9999]"]
        check(Fuzz("lists of nodes", lists, pieces: ["[", "]", "-", ",", "[0-99999]"]).hammer {
            _ = HostList.expand(String(decoding: $0, as: UTF8.self))
        })
    }

    @Test func scontrolsTexts() {
        let texts = [ScontrolTextTests.settings, ScontrolTextTests.partitions, ScontrolTextTests.nodes]
        check(Fuzz("scontrol", [texts.joined(separator: "\u{1}")], pieces: ["=", "PartitionName=", "(null)"]).hammer {
            let parts = $0.split(separator: 1).map { String(decoding: $0, as: UTF8.self) }
            let settings = try? ScontrolText.settings(parts.first ?? "")
            _ = try? ScontrolText.configuration(
                settings: settings?.values ?? [:], partitions: parts.dropFirst().first ?? "", nodes: parts.last ?? "")
        })
    }

    /// Covers N17.
    @Test func slurmrestdsAnswers() {
        let samples = [RestReplyTests.recorded38, RestReplyTests.written39, RestReplyTests.written40]
            + [RestFixtures.jobs(44), RestFixtures.partitions(43), RestFixtures.nodes(42)]
        check(Fuzz("slurmrestd", samples, pieces: ["\"set\": true", "\"number\": -1", "{\"job_id\": "]).hammer {
            let reply = try? RestReply.read(Data($0))
            for job in reply?.jobs ?? [] { _ = job.status(asOf: 0) { _ in false } }
            for partition in reply?.partitions ?? [] { _ = partition.partition(nil) }
            for node in reply?.nodes ?? [] { _ = node.node }
        })
    }

    @Test func tokens() {
        check(Fuzz("tokens", ["SLURM_JWT=eyJhbGciOiJIUzI1NiJ9.abc\n", "abc.def"]).hammer {
            _ = try? RestToken.parse(String(decoding: $0, as: UTF8.self))
        })
    }

    /// What `molt-slurm` answers, and what it is asked: whole messages through a pipe.
    ///
    /// Covers N17.
    @Test func theHelpersMessages() throws {
        var job = JobStatus(job: 7, name: "bot", comment: "molt:1:abc", userID: 1002, state: .running)
        job.nodes = ["n1"]
        let request = JobRequest(
            key: .random(), name: "bot", script: "#!/bin/sh\n", workingDirectory: "/w", output: "/w/out")
        let answers: [SlurmAnswer] = [
            .submitted(SubmitReply(job: 7, warning: "w")), .table(JobTable(jobs: [job, job], asOf: 5)), .job(nil),
            .changes(JobChanges(look: 2, isWhole: false, changed: [job], gone: [8], asOf: 5)), .done, .keyMismatch,
            .failed(code: 2017, text: "x", reading: true), .misunderstood("y"),
        ]
        let calls: [SlurmOperation] = [
            .submit(request), .load(7), .signal(7, key: .random(), signal: 15, target: .all), .loadJobs,
            .loadChanges(since: 7), .loadRest(of: 8),
        ]
        let messages = try answers.map { try JSONEncoder().encode($0) }
            + calls.map { try JSONEncoder().encode(SlurmCall($0)) }
        let framed = messages.map { message in
            (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (24 - 8 * $0)) } + message
        }
        check(Fuzz("the helper's messages", bytes: framed, pieces: ["\u{0}\u{0}\u{4}\u{0}", "\u{7F}~~~"]).hammer {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { return }
            // No more than a pipe holds, so that nobody has to read meanwhile.
            _ = $0.prefix(60_000).withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
            close(ends[1])
            while let data = try? Frame.read(from: ends[0], before: nil) {
                _ = try? JSONDecoder().decode(SlurmAnswer.self, from: data)
                _ = try? JSONDecoder().decode(SlurmCall.self, from: data)
            }
            close(ends[0])
        })
    }
}
