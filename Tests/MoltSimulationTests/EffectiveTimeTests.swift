import MoltCore
import MoltSimulation
import Testing

/// What a run makes of its time, beside the most that can be made of it; `molt-sim ettr` follows it for longer.
struct EffectiveTimeTests {
    @Test(arguments: EffectiveTime.Notice.allCases)
    func aRunThatIsPreemptedEveryTwoHoursKeepsNearlyAllThatItCan(_ notice: EffectiveTime.Notice) async {
        let outcome = await EffectiveTime.run(seed: 1, notice: notice, days: 5)
        #expect(outcome.violations.isEmpty, "\(outcome.violations)")
        #expect(outcome.interruptions > 20)
        // So few interruptions scatter; the bar holds for weeks, in the release build.
        #expect(outcome.share >= EffectiveTime.least - 0.02, "\(outcome)")
        #expect(abs(outcome.reported - outcome.measured) < 0.01, "the account is true: \(outcome)")
        #expect(outcome.measured < outcome.optimum + 0.02, "nobody beats the optimum by much: \(outcome)")
    }

    /// Daly's formula against what it is a formula for: work, saves and interruptions, drawn at random.
    @Test(arguments: [(10.0, 60.0, 7200.0, 400.0), (60, 120, 7200, 900), (5, 30, 1800, 100)])
    func theFormulaTellsWhatHappens(
        _ save: Double, _ restart: Double, _ between: Double, _ interval: Double
    ) {
        var numbers = SeededGenerator(seed: 7)
        var time = 0.0, work = 0.0
        var untilNext = numbers.exponential(between)
        /// True when it passes without an interruption; one costs the restart, which may be interrupted again.
        func pass(_ seconds: Double) -> Bool {
            guard seconds >= untilNext else {
                untilNext -= seconds
                time += seconds
                return true
            }
            time += untilNext
            untilNext = numbers.exponential(between)
            return false
        }
        func restarted() { while !pass(restart) {} }
        while work < 20_000 * interval {
            if pass(interval + save) { work += interval } else { restarted() }
        }
        let formula = Daly.efficiency(every: interval, save: save, restart: restart, between: between)
        #expect(abs(work / time - formula) < 0.005, "\(work / time) and \(formula)")
    }

    /// The interval that Molt suggests, which is an approximation, against the best one.
    @Test(arguments: [(10.0, 7200.0), (60, 7200), (1, 3600), (120, 86_400)])
    func whatMoltSuggestsIsAsGoodAsTheBest(_ save: Double, _ between: Double) throws {
        let suggested = try #require(SaveInterval.best(cost: save, interruptions: 10, in: 10 * between))
        let optimum = Daly.optimum(save: save, restart: 60, between: between)
        let reached = Daly.efficiency(every: suggested, save: save, restart: 60, between: between)
        #expect(reached <= optimum)
        #expect(reached > 0.999 * optimum)
    }
}
