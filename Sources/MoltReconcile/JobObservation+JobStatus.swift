package import MoltCore
package import MoltLifecycle
package import MoltScheduler

extension JobObservation {
    /// The scheduler's words in the lifecycle's own; nil when it says nothing that the lifecycle could follow, in a
    /// state that nobody knows.
    ///
    /// - Parameter key: whose job it is, which its comment need not say any more.
    package init?(_ status: JobStatus, of key: AttemptKey?, asOf: Double) {
        guard let base = Base(status.state) else { return nil }
        self.init(
            job: status.job, key: key, base: base, flags: Flags(rawValue: status.flags.rawValue),
            reason: Self.reason(status), asOf: asOf)
        restartCount = status.restartCount
        exitStatus = status.exitStatus
        exitSignal = status.exitSignal
        outOfMemoryMark = status.exitWord & 0xff == 253
        nodes = status.nodes
        submittedAt = status.submittedAt
        eligibleAt = status.eligibleAt
        startedAt = status.startedAt
        endsAt = status.endsAt
        preemptedAt = status.preemptedAt
    }

    /// A job that could not be launched has the reason of one that its owner holds; only its description tells them
    /// apart.
    private static func reason(_ status: JobStatus) -> String {
        status.detail.hasPrefix("launch failed") ? status.detail : status.reason
    }
}

extension JobObservation.Base {
    init?(_ state: JobState) {
        switch state {
        case .pending: self = .pending
        case .running: self = .running
        case .suspended: self = .suspended
        case .complete: self = .complete
        case .cancelled: self = .cancelled
        case .failed: self = .failed
        case .timeout: self = .timeout
        case .nodeFail: self = .nodeFail
        case .preempted: self = .preempted
        case .bootFail: self = .bootFail
        case .deadline: self = .deadline
        case .outOfMemory: self = .outOfMemory
        case .unknown: return nil
        }
    }
}
