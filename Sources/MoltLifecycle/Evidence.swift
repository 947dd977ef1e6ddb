package import MoltCore

/// What the run folder tells about one attempt: claims and receipts are files, written by `molt-job`.
package struct Evidence: Hashable, Sendable {
    package var claims: [Claim]
    package var receipts: [Receipt]
    /// Highest step of a committed checkpoint of the run.
    package var committedStep: Int?
    /// Codes that `molt-job` was told to use in place of ours (RequeueExit), by our code.
    package var exitCodes: [Int32: Int32]
    /// True when the scheduler may preempt such jobs: then a SIGTERM that nobody here sent was most likely that.
    package var isPreemptible: Bool
    /// What the incarnation that has ended left behind; nil while none has.
    package var remains: Remains?
    /// Nodes that the scheduler counts as down.
    package var downNodes: Set<String>
    /// The nodes of the partition, and how many of them the run needs; nil when they are not known. A machine of one's
    /// own is a partition of one node.
    package var partitionNodes: [String]?
    package var neededNodes: Int
    /// Seconds for which the newest incarnation has given no sign of life, though it had; 0 when nobody knows.
    package var silence: Double
    /// What else the look missed that did not show the job; nil when the job is missing by itself, or is there.
    package var loss: MassLoss?

    package init(
        claims: [Claim] = [], receipts: [Receipt] = [], committedStep: Int? = nil, exitCodes: [Int32: Int32] = [:],
        isPreemptible: Bool = false, remains: Remains? = nil, downNodes: Set<String> = [],
        partitionNodes: [String]? = nil, neededNodes: Int = 1, silence: Double = 0
    ) {
        self.claims = claims
        self.receipts = receipts
        self.committedStep = committedStep
        self.exitCodes = exitCodes
        self.isPreemptible = isPreemptible
        self.remains = remains
        self.downNodes = downNodes
        self.partitionNodes = partitionNodes
        self.neededNodes = neededNodes
        self.silence = silence
    }

    func claim(_ key: AttemptKey, incarnation: Int) -> Claim? {
        claims.last { $0.key == key && $0.incarnation == incarnation }
    }

    func receipt(_ key: AttemptKey, incarnation: Int) -> Receipt? {
        receipts.last { $0.key == key && $0.incarnation == incarnation }
    }

    /// What our own code would have been.
    func meaning(of status: Int32) -> Int32 {
        exitCodes.first { $0.value == status }?.key ?? status
    }
}
