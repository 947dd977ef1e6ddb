import MoltSimulation
import Testing

/// Worlds of days, in which turns that cannot find anything are left out; `molt-sim long` runs many.
struct LongTests {
    /// The promise behind every hour that was jumped over: who makes each turn sees the same happen, at the same times.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func aJumpOverIdleTurnsChangesNothing(_ seed: UInt64) async {
        let jumped = await Simulation.runLong(seed: seed, days: 0.1, keepsTrace: true)
        let walked = await Simulation.runLong(seed: seed, days: 0.1, skips: false, keepsTrace: true)
        #expect(jumped.trace == walked.trace)
        #expect(jumped.digest == walked.digest)
        #expect(jumped.statistics.simulatedSeconds == walked.statistics.simulatedSeconds)
        // What was left out is what the other had to do more.
        #expect(walked.statistics.skippedTurns == 0)
        #expect(jumped.statistics.skippedTurns + jumped.statistics.turns == walked.statistics.turns)
    }

    @Test func mostTurnsAreLeftOut() async {
        let report = await Simulation.runLong(seed: 1)
        #expect(report.violations.isEmpty, "\(report.violations)")
        #expect(report.statistics.simulatedSeconds > 86_400)
        #expect(report.statistics.skippedTurns > 2 * report.statistics.turns)
    }

    @Test func noWorldOfDaysBreaksAPromise() async {
        let report = await Campaign.runLong(first: 1, hours: 500, jobs: 2)
        #expect(report.failures.isEmpty, "\(report.reasons)")
        #expect(report.statistics.simulatedSeconds >= 500 * 3600)
        #expect(report.statistics.crashes > 0 && report.statistics.claims > 20)
    }

    /// Checks that notice nothing would prove nothing, in worlds where trouble is rare, too.
    @Test(arguments: [Sabotage.forgedReceipts, .eagerResend])
    func theChecksNoticeAMistakeInDays(_ sabotage: Sabotage) async {
        for seed in 1...200 as ClosedRange<UInt64> {
            let report = await Simulation.runLong(seed: seed, days: 0.5, sabotage: sabotage)
            if !report.violations.isEmpty { return }
        }
        Issue.record("200 worlds did not notice \(sabotage)")
    }
}
