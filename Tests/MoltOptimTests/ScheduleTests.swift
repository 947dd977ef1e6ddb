import MoltOptim
import Testing

struct ScheduleTests {
    /// Shape, then the rate after so many finished steps, worked out by hand.
    static let table: [(Schedule, [(Int, Double)])] = [
        (
            Schedule(.cosine, peak: 1, minimum: 0.1, warmupSteps: 4, totalSteps: 12),
            [(0, 0.25), (3, 1), (7, 0.55), (5, 0.1 + 0.9 * 0.853_553_390_593), (11, 0.1), (50, 0.1)]
        ),
        (
            Schedule(.linear, peak: 2, minimum: 0, warmupSteps: 0, totalSteps: 10),
            [(0, 1.8), (4, 1), (9, 0), (10, 0)]
        ),
        (
            Schedule(.constant, peak: 3e-4, warmupSteps: 2, totalSteps: 10),
            [(0, 1.5e-4), (1, 3e-4), (9, 3e-4), (1000, 3e-4)]
        ),
        (Schedule(.cosine, peak: 1, warmupSteps: 10, totalSteps: 5), [(0, 0.1), (4, 0.5), (9, 1), (10, 0)]),
        (Schedule(.linear, peak: 1, totalSteps: 1), [(0, 0)]),
    ]

    @Test(arguments: table)
    func ratesFollowTheTable(_ schedule: Schedule, _ rates: [(Int, Double)]) {
        for (step, rate) in rates {
            #expect(abs(schedule.rate(after: step) - rate) < 1e-12, "after \(step) steps")
        }
    }
}
