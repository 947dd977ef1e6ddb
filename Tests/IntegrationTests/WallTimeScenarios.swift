import MoltAPI
import MoltCore
import Testing

/// Runs that need longer than one allocation lasts.
struct WallTimeScenarios {
    /// Covers D14.
    @Test func aRunContinuesPastItsTimeLimit() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 6) { cluster in
            let run = try await cluster.submitCounter(to: 320, partition: "short", time: "1m")
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 300)
            #expect(detail.attempts.count >= 2)
            #expect(detail.attempts.first?.incarnations.last?.outcome == Cause.wallTime)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...320))
        }
    }

    /// With nobody to submit the next attempt, the job puts itself back: its own deadline is the cause.
    ///
    /// Covers D14.
    @Test func aDeadDaemonDoesNotEndTheChain() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 8) { cluster in
            let run = try await cluster.submitCounter(to: 320, partition: "short", time: "1m")
            try await cluster.wait(for: run, step: 2)
            let job = try await cluster.job(of: run)
            #expect(try cluster.kill("moltd") == 1)
            let folder = "\(cluster.folder)/runs/\(run)"
            try await Command.until("two links have run without a daemon", within: 320, every: 1) {
                (try? cluster.counted(in: folder)) == 320
            }
            #expect(try await cluster.field("Restarts", ofJob: job) == "1")
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.count == 1)
            #expect(detail.attempts.flatMap(\.incarnations).count == 2)
        }
    }
}
