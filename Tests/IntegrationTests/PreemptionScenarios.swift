import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A run of the preemptible partitions loses its node to the high partition and comes back where it was.
struct PreemptionScenarios {
    /// One rank that has every GPU of its node, so that two such runs cannot share one.
    private static let wholeNode = "gpus_per_node: 4, ranks_per_node: 1"

    /// Covers D9, N11, X8, X9.
    @Test(arguments: ["low", "low20"])
    func aPreemptedRunComesBackAndFinishes(_ partition: String) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let victim = try await cluster.submitCounter(to: 60, partition: partition, resources: Self.wholeNode)
            try await cluster.wait(for: victim, step: 5)
            let urgent = try await cluster.submitCounter(
                to: 4, name: "urgent", partition: "high", resources: Self.wholeNode)
            try await cluster.wait(for: urgent, toBe: .finished, within: 120)
            let detail = try await cluster.wait(for: victim, toBe: .finished, within: 120)
            #expect(detail.attempts.count == 1 || partition == "low20", "a requeue keeps the attempt")
            let incarnations = detail.attempts.flatMap(\.incarnations)
            #expect(incarnations.count == 2)
            #expect(incarnations.first?.outcome == Cause.preempted)
            // Nothing was counted twice but the step under way, nothing was left out.
            let steps = try cluster.steps(of: detail)
            #expect(Set(steps) == Set(1...60))
            #expect(steps.count <= 61)
        }
    }

    /// A daemon that had no time to look while the job drained, and a molt-job that was killed before it could write:
    /// only slurmstepd has said what happened.
    ///
    /// Covers D9.
    @Test func aPreemptionThatNobodySawIsFoundInTheLog() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let victim = try await cluster.submitCounter(to: 100_000, resources: Self.wholeNode)
            try await cluster.wait(for: victim, step: 5)
            let job = try await cluster.job(of: victim), folder = try await cluster.show(victim).runFolder
            try await cluster.signalDaemon(SIGSTOP)
            let urgent = ["-p", "high", "--gres=gpu:4", "-o", "/dev/null", "--wrap", "sleep 2"]
            try await cluster.run(["sbatch"] + urgent)
            try await Command.until("Slurm has restarted the job by itself", within: 60) {
                let state = try await cluster.field("JobState", ofJob: job)
                let restarts = try await cluster.field("Restarts", ofJob: job)
                return state == "RUNNING" && restarts == "1"
            }
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/receipts") {
                try FileManager.default.removeItem(atPath: "\(folder)/receipts/\(name)")
            }
            try await cluster.signalDaemon(SIGCONT)
            try await Command.until("the end of the first incarnation is told", within: 60) {
                try await cluster.show(victim).attempts.first?.incarnations.first?.outcome != nil
            }
            let first = try await cluster.show(victim).attempts.first?.incarnations.first
            #expect(first?.outcome == Cause.preempted, "\(String(describing: first))")
            try await cluster.molt("cancel", victim)
            try await cluster.wait(for: victim, toBe: .cancelled)
        }
    }

    /// The two races of a release: an update while the job is COMPLETING is overwritten, and a restart within the
    /// second of the kill can end FAILED 1:0. Many quick preemptions in a row meet both.
    ///
    /// Covers D9, N11.
    @Test func manyPreemptionsInARowCostNoAttempt() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 5) { cluster in
            let victim = try await cluster.submitCounter(to: 100_000, resources: Self.wholeNode)
            for round in 1...5 {
                try await cluster.wait(for: victim, step: (try await cluster.show(victim).summary.step ?? 0) + 2)
                let urgent = try await cluster.submitCounter(
                    to: 1, name: "urgent\(round)", partition: "high", resources: Self.wholeNode)
                try await cluster.wait(for: urgent, toBe: .finished)
            }
            let before = try await cluster.show(victim).summary.step ?? 0
            try await cluster.wait(for: victim, step: before + 2)
            let detail = try await cluster.show(victim)
            #expect(detail.attempts.flatMap(\.incarnations).count == 6)
            #expect(detail.attempts.allSatisfy { $0.outcome == nil || $0.outcome == "launch-race" })
            try await cluster.molt("cancel", victim)
            try await cluster.wait(for: victim, toBe: .cancelled)
        }
    }
}

/// The words that an incarnation's outcome may hold; `MoltLifecycle` owns them, the API prints them.
enum Cause {
    static let preempted = "preempted"
    static let wallTime = "wall-time"
}
