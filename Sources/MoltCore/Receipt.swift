/// What `molt-job` leaves behind as its last act. No receipt, no success: Slurm says COMPLETED 0:0 too easily.
package struct Receipt: Codable, Hashable, Sendable {
    package var key: AttemptKey
    package var incarnation: Int
    package var epoch: Int
    /// The exit status that `molt-job` meant (before any remapping for the site's RequeueExit).
    package var exitCode: Int32
    /// One line for people: why it ended.
    package var reason: String
    /// The signal that made it stop, if one did.
    package var stopSignal: Int32?
    /// The rank that failed first, if one did.
    package var failedRank: Int?
    /// Nodes that the preflight refused (exit 77): the next attempt goes without them.
    package var unfitNodes: [String]?
    package var lastStep: Int?
    /// Directory name of the newest committed checkpoint.
    package var lastCheckpoint: String?
    package var startedAt: Double
    package var endedAt: Double

    package init(
        key: AttemptKey, incarnation: Int, epoch: Int, exitCode: Int32, reason: String, stopSignal: Int32? = nil,
        failedRank: Int? = nil, unfitNodes: [String]? = nil, lastStep: Int? = nil, lastCheckpoint: String? = nil,
        startedAt: Double, endedAt: Double
    ) {
        self.key = key
        self.incarnation = incarnation
        self.epoch = epoch
        self.exitCode = exitCode
        self.reason = reason
        self.stopSignal = stopSignal
        self.failedRank = failedRank
        self.unfitNodes = unfitNodes
        self.lastStep = lastStep
        self.lastCheckpoint = lastCheckpoint
        self.startedAt = startedAt
        self.endedAt = endedAt
    }
}
