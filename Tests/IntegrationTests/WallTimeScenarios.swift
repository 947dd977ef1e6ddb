import MoltAPI
import MoltCore
import Testing

/// Runs that need longer than one allocation lasts.
struct WallTimeScenarios {
    @Test(.timeLimit(.minutes(6)))
    func aRunContinuesPastItsTimeLimit() async throws {
        try await LiveCluster.with(["--nodes", "1"]) { cluster in
            let run = try await cluster.submitCounter(to: 320, partition: "short", time: "1m")
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 300)
            #expect(detail.attempts.count >= 2)
            #expect(detail.attempts.first?.incarnations.last?.outcome == Cause.wallTime)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...320))
        }
    }
}
