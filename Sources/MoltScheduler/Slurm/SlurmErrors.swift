/// What one of Slurm's numbers lets us conclude.
///
/// Only numbers that an answer of slurmctld carries, or that a failed connection leaves behind, are certain. The
/// numbers of authentication and decoding mean the same on the way out and on the way back, so they are not.
/// Releases rename numbers, and give only such a new meaning as had long gone out of use (2040, 2041, 2063, 2064); so
/// numbers, not names, are compared, and these four stand in no list.
package enum SlurmErrors {
    package static func classify(_ operation: SlurmOperation, code: Int32, text: String) -> SchedulerError {
        let advice = code == otherRelease ? "; libslurm and the controller are of different releases" : ""
        let message = "Slurm says: \(text) (\(code))\(advice)"
        if waiting.contains(code) { return .later(message: message) }
        if case .submit = operation, passing.contains(code) { return .later(message: message) }
        if standby.contains(code) || code == connectionRefused { return .unavailable(message: message) }
        if operation.isReading, !isControllersWord(code) { return .unavailable(message: message) }
        guard isControllersWord(code) else { return .ambiguous(message: message) }
        if denied.contains(code) { return .notPermitted(message: message) }
        guard let job = operation.job else { return .rejected(code: code, message: message) }
        if code == unknownJob { return .notFound(job: job) }
        if wrongState.contains(code) { return .wrongState(job: job, message: message) }
        return .rejected(code: code, message: message)
    }

    /// EAGAIN, queue full, nodes busy, back off (23.02 and later).
    private static let waiting: Set<Int32> = [11, 2007, 2016, 1804]
    /// What can pass without anybody touching the recipe: a partition or a reservation that is closed for now, nodes
    /// that are away, a limit on what one may have in the queue (2050 stands for limits that stay, too, and does not
    /// say which: its text is shown while the run waits), submissions switched off, a database that is not there.
    ///
    /// In the order of their numbers, which are the same from 21.08 to 26.05: configuration of the partition not
    /// available now, accounting policy, reservation busy, reservation not usable now, node not available, partition
    /// inactive or drained, usage over the QOS's threshold, burst buffer not ready, partition down, submissions
    /// disabled, maintenance, no connection to the database (two).
    private static let passing: Set<Int32> = [
        2015, 2050, 2055, 2056, 2068, 2070, 2074, 2100, 2101, 2105, 2118, 7000, 7008,
    ]
    private static let connectionRefused: Int32 = 1800
    /// The controller that answered has not taken over (yet): it has done nothing, and the next one may.
    private static let standby: Set<Int32> = [2027, 2131]
    private static let otherRelease: Int32 = 1005
    package static let unknownJob: Int32 = 2017
    /// Access denied, user missing, user or group not valid.
    private static let denied: Set<Int32> = [2002, 2010, 2113]
    /// In transition, already done, pending, requeue disabled, not pending, suspended, started, finished, not running,
    /// neither, not suspended, not finished, not running on the node.
    private static let wrongState: Set<Int32> = [
        2020, 2021, 2024, 2037, 2073, 2077, 2083, 2084, 2085, 2086, 2087, 2088, 4027,
    ]

    /// Numbers that slurmctld itself returns: its own range, and those of its plugins.
    private static func isControllersWord(_ code: Int32) -> Bool {
        (2000..<3000).contains(code) || (7000..<9000).contains(code)
    }
}
