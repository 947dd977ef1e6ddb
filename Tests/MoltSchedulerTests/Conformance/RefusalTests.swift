import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Bad requests: refused for good, or failed in a way that can be told.
@Suite struct RefusalTests {
    private func rejection(_ backend: Backend, _ change: (inout JobRequest) -> Void) async throws -> String {
        do {
            let reply = try await backend.scheduler.submit(backend.request("true", change))
            return "accepted as \(reply.job)"
        } catch {
            guard case .rejected(_, let message) = error else { throw error }
            return "rejected: \(message)"
        }
    }

    /// Covers A13.
    @Test(arguments: BackendKind.allCases)
    func anUnknownPartitionIsRejected(_ kind: BackendKind) async throws {
        let answer = try await rejection(try await kind.open()) { $0.partition = "nowhere" }
        #expect(answer.hasPrefix("rejected") && answer.contains("partition"))
    }

    /// Slurm rejects some sizes at once and lets others wait for hardware that may come (reason PartitionConfig).
    ///
    /// Covers A13.
    @Test(arguments: BackendKind.allCases, ["gpus", "cpus", "memory", "nodes"])
    func whatTheSiteDoesNotHaveNeverStarts(_ kind: BackendKind, _ what: String) async throws {
        let backend = try await kind.open()
        let request = backend.request("true") {
            switch what {
            case "gpus": $0.gpusPerNode = 64
            case "cpus": $0.cpusPerRank = 500
            case "memory": $0.memoryPerNode = 1 << 44
            default: $0.nodes = 500
            }
        }
        do {
            let job = try await backend.submit(request)
            try #require(kind.isSlurm && what != "gpus", "accepted as \(job.job)")
            try await job.wait { $0.state == .pending && $0.reason == "PartitionConfig" }
            await job.end()
        } catch let error as SchedulerError {
            guard case .rejected = error else { throw error }
        }
    }

    @Test(arguments: BackendKind.allCases)
    func anExcludedClusterIsRejected(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        let nodes = try await backend.scheduler.configuration().nodes.map(\.name)
        #expect(try await rejection(backend) { $0.excludedNodes = nodes }.hasPrefix("rejected"))
    }

    /// Covers J2, J4, X21, X22.
    @Test(
        arguments: BackendKind.allCases,
        ["../evil", "a b", "a\nJobState=COMPLETED", "$(touch x)", "a'b", "naïve", "\u{1F600}", "", "-x", "a%x", "a/b"])
    func aNameThatCouldDoHarmIsRefused(_ kind: BackendKind, _ name: String) async throws {
        #expect(try await rejection(try await kind.open()) { $0.name = name }.hasPrefix("rejected"))
    }

    /// Covers X26.
    @Test(
        arguments: BackendKind.allCases,
        ["echo no shebang\n", "#!/bin/bash\r\ntrue\r\n", "#!/bin/bash\n\u{0}true\n", ""])
    func aScriptThatSlurmWouldChokeOnIsRefused(_ kind: BackendKind, _ script: String) async throws {
        #expect(try await rejection(try await kind.open()) { $0.script = script }.hasPrefix("rejected"))
    }

    /// Covers J4.
    @Test(arguments: BackendKind.allCases)
    func pathsMustBeAbsoluteAndPlain(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        for path in ["relative/x", "/tmp/a\nb", "/tmp/%x.out"] {
            #expect(try await rejection(backend) { $0.output = path }.hasPrefix("rejected"), "\(path)")
        }
        #expect(try await rejection(backend) { $0.workingDirectory = "here" }.hasPrefix("rejected"))
    }

    @Test(arguments: BackendKind.allCases)
    func unknownOptionsAndVariablesAreRefused(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        #expect(try await rejection(backend) { $0.options["wrap"] = "rm" }.hasPrefix("rejected"))
        #expect(try await rejection(backend) { $0.environment["A B"] = "c" }.hasPrefix("rejected"))
        #expect(try await rejection(backend) { $0.environment["A"] = "b\u{0}c" }.hasPrefix("rejected"))
        #expect(try await rejection(backend) { $0.nodes = 0 }.hasPrefix("rejected"))
        #expect(try await rejection(backend) { $0.timeLimit = -1 }.hasPrefix("rejected"))
    }

    /// Covers X27.
    @Test(arguments: BackendKind.allCases)
    func withoutItsOutputFolderAJobFailsAndNeverRuns(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        let job = try await backend.submit("echo ran > $CASE.ran") { $0.output = "\(backend.folder)/missing/x.out" }
        let end = try await job.waitForEnd()
        #expect(end.state == .failed && end.reason == "JobLaunchFailure" && end.exitSignal == 53)
        #expect(job.note("ran").isEmpty)
    }

    @Test(arguments: BackendKind.allCases)
    func withoutItsWorkingDirectoryAJobRunsInTmpAndSaysSo(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        let job = try await backend.submit("pwd > $CASE.pwd") { $0.workingDirectory = "\(backend.folder)/missing" }
        #expect(try await job.waitForEnd().state == .complete)
        #expect(job.note("pwd") == "/tmp\n")
        #expect(job.output.contains("/tmp"))
    }
}
