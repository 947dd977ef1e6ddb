/// How much failure a run has used up. Counters are of ends in a row: an advanced checkpoint resets them.
package struct Budget: Hashable, Sendable, Codable {
    package var crashes = 0
    package var launchRaces = 0
    package var fruitlessLinks = 0
    package var unproven = 0
    package var lost = 0
    package var fenced = 0
    /// Nodes, GPUs and networks that failed; absent in the store means none.
    package var faults: Int?
    /// What the newest failure was, and how often in a row it was just that.
    package var lastFailure: Failure?
    package var repeats: Int?
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
        faults = nil
        lastFailure = nil
        repeats = nil
        return true
    }

    /// Counts a failure; returns how often in a row it was this very one.
    mutating func note(_ failure: Failure?) -> Int {
        let isSame = failure != nil && failure == lastFailure
        lastFailure = failure
        repeats = failure == nil ? nil : isSame ? (repeats ?? 1) + 1 : 1
        return repeats ?? 1
    }

    /// Seconds to wait before the next attempt, after what is in the counters.
    func backOff(_ policy: LifecyclePolicy) -> Double {
        let failures = max(crashes + lost + fenced + max(0, launchRaces - 1), faults ?? 0)
        guard failures > 0 else { return 0 }
        var pause = policy.backOff
        for _ in 1..<min(failures, 16) where failures > 1 { pause *= 2 }
        return min(pause, max(policy.backOffMax, policy.backOff))
    }
}
