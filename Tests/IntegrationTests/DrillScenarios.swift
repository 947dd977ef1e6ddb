import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// Faults on purpose, on a real Slurm whose operator is the user of these tests.
struct DrillScenarios {
    private struct Grade: Decodable {
        var passed: Bool
        var stepsRepeated: Int?
        var handOverSeconds: Double?
        var isDoubled: Bool
        var verdict: String
    }

    private func drill(_ cluster: LiveCluster, _ fault: String, _ run: String, _ options: [String] = []) async throws
        -> Grade {
        let output = try await cluster.run(["\(cluster.prefix)/bin/molt", "drill", fault, run, "--json"] + options)
        return try JSONDecoder().decode(Grade.self, from: Data(output.out.utf8))
    }

    /// Covers B1, D6.
    @Test func aNodeAndAControllerAreLostOnPurposeAndNothingElse() async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 4) { cluster in
            let run = try await cluster.submitCounter(to: 100_000)
            try await cluster.wait(for: run, step: 4)
            let outage = try await drill(cluster, "ctld-outage", run, ["--for", "6s"])
            #expect(outage.passed && !outage.isDoubled, "\(outage)")
            #expect(try await cluster.show(run).attempts.flatMap(\.incarnations).count == 1)

            let lost = try await drill(cluster, "node-fail", run, ["--within", "2m"])
            #expect(lost.passed && !lost.isDoubled && lost.stepsRepeated ?? 9 <= 1, "\(lost)")
            let detail = try await cluster.show(run)
            #expect(detail.attempts.flatMap(\.incarnations).first?.outcome == "node-failed", "\(detail.attempts)")
            let down = try await cluster.run(["sinfo", "-h", "-N", "-p", "low", "-t", "down,drain", "-o", "%N"])
            #expect(down.out == "", "the node is up again")

            // What would harm others is refused, and so is what would undo an admin's drain.
            let node = detail.attempts.last?.incarnations.last?.nodes.first ?? ""
            try await cluster.run(["scontrol", "update", "nodename=\(node)", "state=drain", "reason=disk"])
            let drained = try await cluster.molt("drill", "node-fail", run, expecting: 3)
            #expect(drained.error.contains("\(node) is drained or down already"), "\(drained)")
            let word = try await cluster.run(["sinfo", "-h", "-n", node, "-p", "low", "-o", "%T"]).out
            #expect(word.hasPrefix("drain"), "the admin's drain stands: \(word)")
            try await cluster.run(["scontrol", "update", "nodename=\(node)", "state=resume"])
            try await cluster.run(["sbatch", "-w", node, "-o", "/dev/null", "--wrap", "sleep 60"])
            try await Command.until("another job runs on the node", within: 20) {
                try await cluster.run(["squeue", "-h", "-t", "R", "-w", node, "-o", "%i"]).lines.count == 2
            }
            let refused = try await cluster.molt("drill", "node-fail", run, expecting: 3)
            #expect(refused.error.contains("another job runs on \(node)"), "\(refused)")
            try await cluster.molt("cancel", run)
            try await cluster.wait(for: run, toBe: .cancelled)
        }
    }

    /// Covers D9, D13.
    @Test func aPreemptionAndKilledWorkersCostNoWork() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let run = try await cluster.submitCounter(to: 100_000)
            try await cluster.wait(for: run, step: 4)
            for (number, fault) in ["preempt", "kill"].enumerated() {
                let grade = try await drill(cluster, fault, run, ["--within", "2m"])
                #expect(grade.passed && !grade.isDoubled && grade.stepsRepeated ?? 9 <= 1, "\(fault): \(grade)")
                let all = try await cluster.show(run).attempts.flatMap(\.incarnations)
                #expect(all.count == number + 2, "\(all)")
                try await cluster.wait(for: run, step: (all.last?.firstStep ?? 0) + 4)
            }
            let attempts = try await cluster.show(run).attempts.map(\.incarnations.count)
            #expect(attempts.first == 2, "Slurm took the preempted job again: \(attempts)")
            try await cluster.molt("cancel", run)
            try await cluster.wait(for: run, toBe: .cancelled)
        }
    }

    /// Covers D14.
    @Test func aTimeLimitComesEarlyOnPurpose() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 5) { cluster in
            let run = try await cluster.submitCounter(to: 100_000, time: "30m")
            try await cluster.wait(for: run, step: 4)
            let grade = try await drill(cluster, "walltime", run, ["--within", "4m"])
            #expect(grade.passed && !grade.isDoubled && grade.stepsRepeated ?? 9 <= 1, "\(grade)")
            let first = try await cluster.show(run).attempts.flatMap(\.incarnations).first
            #expect(first?.outcome == Cause.wallTime, "\(String(describing: first))")
            try await cluster.molt("cancel", run)
            try await cluster.wait(for: run, toBe: .cancelled)
        }
    }
}
