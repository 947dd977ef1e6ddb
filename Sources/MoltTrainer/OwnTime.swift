/// What of its steps a rank works itself. Ranks that train together all take as long as the slowest of them: only this
/// tells for whom the others wait.
package struct OwnTime: Hashable, Sendable {
    package struct Figure: Hashable, Sendable {
        /// A step, in the mean.
        package var seconds: Double
        package var steps: Int

        package init(seconds: Double, steps: Int) {
            self.seconds = seconds
            self.steps = steps
        }
    }

    private var seconds = 0.0
    private var steps = 0
    private var interval = 1.0
    private var dueAt: Double

    package init(now: Double) {
        dueAt = now + interval
    }

    /// - Parameter own: seconds; nil for a step that says nothing of this rank, since it also saved meanwhile.
    /// - Returns: what there is to tell: soon after the start, then every `Limits.heartbeatSeconds`.
    package mutating func took(_ own: Double?, now: Double) -> Figure? {
        if let own {
            seconds += own
            steps += 1
        }
        guard now >= dueAt, steps > 0 else { return nil }
        defer { (seconds, steps) = (0, 0) }
        interval = min(2 * interval, Limits.heartbeatSeconds)
        dueAt = now + interval
        return Figure(seconds: seconds / Double(steps), steps: steps)
    }
}
