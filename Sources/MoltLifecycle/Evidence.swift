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

    package init(
        claims: [Claim] = [], receipts: [Receipt] = [], committedStep: Int? = nil, exitCodes: [Int32: Int32] = [:],
        isPreemptible: Bool = false
    ) {
        self.claims = claims
        self.receipts = receipts
        self.committedStep = committedStep
        self.exitCodes = exitCodes
        self.isPreemptible = isPreemptible
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
