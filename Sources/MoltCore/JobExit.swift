/// What `molt-job` (and a worker) says with its exit status.
package enum JobExit: Int32, Sendable, Codable, CaseIterable {
    /// Done, with a receipt.
    case done = 0
    /// Saved; start me again. The cause is for the daemon to find out: a SIGTERM does not carry it.
    case continueMe = 75
    /// Another incarnation owns the run.
    case fenced = 76
    /// This node cannot run the work.
    case unfitNode = 77
    /// The recipe or its data is wrong; starting again cannot help.
    case userError = 78
    /// The numerics policy stopped the run (NaN, divergence).
    case numerics = 79
    /// No progress within the budget of the phase.
    case noProgress = 80
}

extension JobExit {
    /// Not a verdict on the run but a crash like any other, with a number of its own for people: the launch plan or
    /// the run folder could not be read or written (full disk, quota, a file server that is away). The daemon tries
    /// again with growing pauses, within the recipe's `max_crashes`.
    package static let fileTrouble: Int32 = 74
}

/// Exit codes of `molt` itself.
package enum CommandExit: Int32, Sendable {
    case success = 0
    /// The run that `--wait` followed failed, or a check found something that would lose work.
    case negative = 1
    /// The user's input is wrong.
    case userError = 2
    /// The daemon or the scheduler could not be reached.
    case unavailable = 3
}
