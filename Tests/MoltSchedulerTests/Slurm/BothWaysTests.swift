import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTemplates
import MoltTesting
import Testing

/// The script's header given to sbatch, and the descriptor given to the API, must mean the same to Slurm.
@Suite struct BothWaysTests {
    /// What differs between any two submissions, or between the two ways by their nature: the command line.
    private static let own: Set<String> = [
        "JobId", "SubmitTime", "EligibleTime", "AccrueTime", "LastSchedEval", "StartTime", "EndTime", "Priority",
        "Command", "Scheduler", "AllocNode:Sid", "SchedNodeList", "Deadline",
    ]

    private static let cases: [(String, @Sendable (inout JobRequest) -> Void)] = [
        ("plain", { _ in }),
        ("sizes", {
            $0.nodes = 2
            $0.ranksPerNode = 2
            $0.cpusPerRank = 2
            $0.gpusPerNode = 3
            $0.memoryPerNode = 300 << 20
        }),
        ("time and warning", {
            $0.timeLimit = 90 * 60
            $0.warning = .init(signal: 10, secondsBefore: 120)
        }),
        ("places", {
            $0.partition = "low20"
            $0.excludedNodes = ["n1", "n3"]
            $0.options["nodelist"] = "n2"
        }),
        ("exclusive", { $0.options = ["exclusive": "true", "contiguous": "true"] }),
        ("nice", { $0.options = ["nice": "40", "mail-type": "END,FAIL", "mail-user": "someone@example.org"] }),
        ("later", { $0.options = ["begin": "2040-01-01T00:00:00", "wckey": "w", "tmp": "1G"] }),
        ("deadline", {
            $0.options = ["deadline": "2040-01-01T00:00:00", "threads-per-core": "1", "switches": "1"]
            $0.timeLimit = 600
        }),
    ]

    @Test(arguments: [BackendKind.slurm, .commands, .rest], cases.map(\.0))
    func slurmRecordsTheSame(_ kind: BackendKind, _ name: String) async throws {
        let testbed = try await SlurmFixture.shared.theTestbed()
        let backend = try await kind.open()
        var request = backend.request("sleep 1")
        request.excludedNodes = []
        request.held = true
        try #require(Self.cases.first { $0.0 == name }).1(&request)
        if kind == .rest {
            // v0.0.38 has these two switched off: refused in plain words, never left out in silence.
            for option in ["contiguous", "switches"] where request.options[option] != nil {
                await #expect(throws: SchedulerError.self) { try await backend.scheduler.submit(request) }
                request.options[option] = nil
            }
        }
        let api = try await backend.scheduler.submit(request).job
        let described = request
        // Commands block, and the pool's few threads belong to the tests beside this one.
        let (sbatch, left, right) = try await Testbed.offPool {
            let sbatch = try submitByCommand(described, testbed)
            return (sbatch, try record(api, testbed), try record(sbatch, testbed))
        }
        for field in Set(left.keys).union(right.keys).subtracting(Self.own).sorted() {
            let both = "\(kind) \(left[field] ?? "nil"), sbatch \(right[field] ?? "nil")"
            #expect(left[field] == right[field], "\(field): \(both)")
        }
        if name == "deadline" { #expect(left["Deadline"] == right["Deadline"]) }
        #expect(left["Comment"] == " " + request.key.comment && left["Requeue"] == " 1")
        for job in [api, sbatch] { try await backend.scheduler.cancel(job, key: request.key) }
    }

    private func submitByCommand(_ request: JobRequest, _ testbed: Testbed) throws -> UInt32 {
        let header = try BatchHeader.directives(request).map { "#SBATCH \($0)" }.joined(separator: "\n")
        let script = "\(testbed.work)/\(request.key.short).sbatch"
        let body = request.script.split(separator: "\n").dropFirst().joined(separator: "\n")
        let text = "#!/bin/bash\n\(header)\n\(body)\n"
        let written = Shell.run(testbed.asUser(["bash", "-c", "printf %s \"$1\" > \"$2\"", "bash", text, script]))
        try #require(written.status == 0, "\(written.output)")
        let result = testbed.slurm(["sbatch", "--parsable", "--export=NIL", script])
        try #require(result.status == 0, "\(result.output)")
        return try #require(UInt32(result.output.filter(\.isNumber)))
    }

    private func record(_ job: UInt32, _ testbed: Testbed) throws -> [String: String] {
        let result = testbed.slurm(["scontrol", "show", "job", "-d", "-o", "\(job)"])
        try #require(result.status == 0, "\(result.output)")
        var fields: [String: String] = [:]
        for word in result.output.split(whereSeparator: \.isWhitespace) {
            let sides = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2 { fields[String(sides[0]), default: ""] += " " + sides[1] }
        }
        return fields
    }
}
