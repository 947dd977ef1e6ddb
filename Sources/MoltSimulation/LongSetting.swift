#if canImport(Glibc)
import Glibc
#endif

/// What a world of days has besides: trouble is rare and comes in spells, and work goes from save to save.
struct LongSetting: Sendable {
    /// Every moment is a multiple of so many seconds: sums of moments are then exact, and a jump over many turns ends
    /// at the very moment at which turn after turn would.
    static let grain = 1.0 / 1024
    /// What a request takes on its way.
    static let requestTime = 1.0 / 64

    /// Seconds that a run would take if nothing went wrong.
    var work: ClosedRange<Double>
    /// Of an attempt.
    var timeLimit: Double
    /// Seconds between saves, as the recipes have it.
    var saveEvery: Double
    var toll: Toll
    /// Chances while a spell of bad luck lasts; outside of spells there are none.
    var spell = Odds()
    /// The part of the time of trouble in which runs are submitted.
    var submitsUntil = 0.9
    /// Faults that come on their own, each after so many seconds on average.
    var rates: [Rate] = []
    /// False to make every turn of the daemon's loop, whether or not it can find anything.
    var skips = true
    /// True to keep what the workers report, and to follow the interval that Molt suggests.
    var isAccounted = false

    struct Rate: Sendable {
        var fault: Fault
        var every: Double
    }
}

/// Seconds between the start of a job and its first step, and those for which a save keeps the steps waiting.
struct Toll: Sendable {
    var start: Double
    var load: Double
    var save: Double
}

/// Chances of what goes wrong between the daemon and the rest.
struct Odds: Sendable {
    var crash = 0.0
    var answerLost = 0.0
    var refusal = 0.0
    var later = 0.0
    var badEnd = 0.0
    var launchFailure = 0.0
    var writeFailure = 0.0
}

extension Setting {
    var odds: Odds {
        get {
            Odds(
                crash: crash, answerLost: answerLost, refusal: refusal, later: later, badEnd: badEnd,
                launchFailure: launchFailure, writeFailure: writeFailure)
        }
        set {
            crash = newValue.crash
            answerLost = newValue.answerLost
            refusal = newValue.refusal
            later = newValue.later
            badEnd = newValue.badEnd
            launchFailure = newValue.launchFailure
            writeFailure = newValue.writeFailure
        }
    }

    /// Less of the same, for those who make every turn.
    mutating func shorten(to days: Double) {
        calmAt = days * 86_400
        guard let long else { return }
        self.long?.work = min(long.work.lowerBound, calmAt / 20)...min(long.work.upperBound, calmAt / 4)
        faultInterval = faultInterval.map { min($0, calmAt / 4) }
        userInterval = userInterval.map { min($0, calmAt / 4) }
        adminInterval = adminInterval.map { min($0, calmAt / 4) }
    }

    /// Days of a cluster, in which something goes wrong every half hour or every few days, as the seed will have it.
    static func drawLong(_ random: inout SeededGenerator) -> Setting {
        let hour = 3600.0
        var setting = draw(&random)
        var spell = setting.odds
        if spell.crash == 0 { spell.crash = 0.003 }
        setting.odds = Odds()
        setting.long = LongSetting(
            work: hour...random.logarithmic(20 * hour, 300 * hour), timeLimit: random.pick([4, 12, 24, 48]) * hour,
            saveEvery: random.logarithmic(600, 2 * hour),
            toll: Toll(start: random.between(1, 20), load: random.between(5, 120), save: random.between(1, 40)),
            spell: spell)
        setting.controllerAhead = setting.controllerAhead.rounded()
        setting.poll = random.pick([5, 10, 30])
        setting.runs = random.count(6...20)
        setting.faultInterval = random.logarithmic(hour / 2, 100 * hour)
        setting.userInterval = random.chance(0.2) ? nil : random.logarithmic(5 * hour, 200 * hour)
        setting.adminInterval = random.chance(0.2) ? nil : random.logarithmic(5 * hour, 200 * hour)
        setting.calmAt = random.between(2, 20) * 24 * hour
        return setting
    }
}

extension SeededGenerator {
    /// As likely between 1 and 10 as between 10 and 100.
    mutating func logarithmic(_ low: Double, _ high: Double) -> Double { exp(between(log(low), log(high))) }

    /// The time until something that comes every so many seconds on average and keeps no count of them.
    package mutating func exponential(_ mean: Double) -> Double { -mean * log(1 - unit()) }
}
