import MoltCore
import MoltSimulation
import Testing

/// The daemon dies at one place of a submission, and the next one takes over: one run, one job.
struct CrashPointTests {
    private static let submission: [Failpoint] = [
        .turnBegan, .planMade, .intentRecorded, .materialsMade, .filesWritten, .sendingRecorded, .submitAnswered,
        .outcomeRecorded, .lookBegan, .lookAnswered, .evidenceRead, .lookRecorded,
    ]

    /// Before the intent is stored, after it, after the files, after the note that it is being sent, after slurmctld
    /// has accepted it, and after that has been stored.
    ///
    /// Covers A1, A2, A3, A4, A5, A6, N1.
    @Test(arguments: submission)
    func aDaemonThatDiesWhileItSubmitsLeavesOneJob(_ point: Failpoint) async {
        let outcome = await CrashPoint.run(point, passing: 1)
        #expect(outcome.hasDied, "the place was never passed")
        #expect(outcome.submissions == 1)
        #expect(outcome.isFinished)
        #expect(outcome.violations.isEmpty, "\(outcome.violations)")
    }

    /// While the run waits, runs and ends.
    @Test(arguments: [Failpoint.turnBegan, .lookBegan, .lookAnswered, .evidenceRead, .planMade], [2, 3, 5, 8, 13])
    func laterDeathsLeaveItAtThatJob(_ point: Failpoint, _ passing: Int) async {
        let outcome = await CrashPoint.run(point, passing: passing)
        #expect(outcome.submissions == 1)
        #expect(outcome.isFinished)
        #expect(outcome.violations.isEmpty, "\(outcome.violations)")
    }
}
