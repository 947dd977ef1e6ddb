/// How much failure a run has used up. Counters are of ends in a row: an advanced checkpoint resets them.
package struct Budget: Hashable, Sendable, Codable {
    package var crashes = 0
    package var launchRaces = 0
    package var fruitlessLinks = 0
    package var unproven = 0
    package var lost = 0
    package var fenced = 0
    /// Not reset: each unfit node is another one.
    package var unfitNodes = 0
    /// The committed step that the counters count from.
    package var committedStep = 0
    /// Seconds of running so far, over all incarnations.
    package var ranSeconds: Double = 0

    package init() {}

    /// True when the newest checkpoint has advanced since the last end; the counters begin anew then.
    mutating func advance(to step: Int?) -> Bool {
        guard let step, step > committedStep else { return false }
        committedStep = step
        crashes = 0
        launchRaces = 0
        fruitlessLinks = 0
        unproven = 0
        lost = 0
        fenced = 0
        return true
    }

    /// Seconds to wait before the next attempt, after what is in the counters.
    var backOff: Double {
        let failures = crashes + lost + fenced + max(0, launchRaces - 1)
        guard failures > 0 else { return 0 }
        var pause = LifecycleLimits.backOff
        for _ in 1..<min(failures, 10) where failures > 1 { pause *= 2 }
        return min(pause, LifecycleLimits.backOffMax)
    }
}
