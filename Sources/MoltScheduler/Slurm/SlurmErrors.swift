/// What one of Slurm's numbers lets us conclude.
///
/// Only numbers that an answer of slurmctld carries, or that a failed connection leaves behind, are certain. The
/// numbers of authentication and decoding mean the same on the way out and on the way back, so they are not.
/// Releases rename numbers but never reuse them; so numbers, not names, are compared.
package enum SlurmErrors {
    package static func classify(_ operation: SlurmOperation, code: Int32, text: String) -> SchedulerError {
        let advice = code == otherRelease ? "; libslurm and the controller are of different releases" : ""
        let message = "Slurm says: \(text) (\(code))\(advice)"
        if waiting.contains(code) { return .later(message: message) }
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
