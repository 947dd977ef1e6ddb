/// Decides when a worker with a deadline must save: early enough for the slowest save it has seen, with a margin.
package struct DeadlineWatch: Equatable {
    /// Seconds since 1970; nil means no limit.
    package private(set) var deadline: Double?
    private var slowestSave: Double
    private var slowestPause = 0.0
    /// Of the saves of this run that were timed, earlier incarnations' included; nil before the first.
    package private(set) var slowestMeasured: Double?
    /// Seconds since 1970; before then the deadline that was told last is not believed.
    private var doubtfulUntil = -Double.infinity

    /// - Parameter bytes: what a checkpoint holds; before the first save it is taken to go at 100 MB/s.
    package init(deadline: Double?, bytes: Int) {
        self.deadline = deadline
        slowestSave = Double(bytes) / 100e6
    }

    /// What a file says in which the deadline is kept as it is known now; whatever is no number changes nothing.
    package mutating func told(_ text: String) {
        guard let moment = Double(text.filter { !$0.isWhitespace }), moment.isFinite, moment > 0 else { return }
        if moment != deadline { doubtfulUntil = -.infinity }
        deadline = moment
    }

    /// The scheduler had the job suspended, and moves its end by as long. Until that is told, what was told before
    /// counts for nothing; should it be true after all, molt-job asks for the stop.
    package mutating func resumed(at now: Double) { doubtfulUntil = now + Limits.deadlineDoubtSeconds }

    package mutating func saved(seconds: Double) {
        slowestSave = max(slowestSave, seconds)
        slowestMeasured = max(slowestMeasured ?? 0, seconds)
    }

    /// Time between two looks at the clock: a look may come that much late.
    package mutating func paused(seconds: Double) { slowestPause = max(slowestPause, seconds) }

    /// Half as long again as the slowest save, the longest pause, and two seconds.
    package func mustStop(at now: Double) -> Bool {
        guard let deadline, now >= doubtfulUntil else { return false }
        return now + 1.5 * slowestSave + slowestPause + 2 >= deadline
    }
}
