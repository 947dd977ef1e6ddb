import MoltScheduler

/// What the controller's clock says, for answers that do not carry it.
///
/// The difference is measured now and then, and taken at its least: `asOf` may be a second or two late, never early,
/// and whole seconds as in libslurm's answers.
struct ControllerClock {
    private var difference: Double?
    private var measuredAt = 0.0

    /// - Parameters:
    ///   - controller: its clock, whole seconds.
    ///   - answeredAt: ours when its answer had come.
    mutating func measured(controller: Double, answeredAt: Double) {
        difference = controller - answeredAt
        measuredAt = answeredAt
    }

    func needsMeasuring(now: Double) -> Bool {
        difference == nil || !(0...Limits.clockAge).contains(now - measuredAt)
    }

    /// - Parameter askedAt: our clock before the question was sent.
    func asOf(askedAt: Double) -> Double { (askedAt + (difference ?? 0)).rounded(.down) }
}

/// Jobs that we ended and that have not ended yet, as far as we have seen.
struct OwnCancels {
    private var jobs: Set<UInt32> = []

    mutating func add(_ job: UInt32) {
        if jobs.count >= Limits.cancelled { jobs.removeAll() }
        jobs.insert(job)
    }

    mutating func seen(_ job: JobStatus) {
        if !job.flags.contains(.completing) { jobs.remove(job.job) }
    }

    func contains(_ job: UInt32) -> Bool { jobs.contains(job) }
}
