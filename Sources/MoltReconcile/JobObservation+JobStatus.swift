package import MoltLifecycle
package import MoltScheduler

extension JobObservation {
    /// The scheduler's words in the lifecycle's own.
    package init(_ status: JobStatus, asOf: Double) {
        self.init(
            job: status.job, key: status.key, base: Base(status.state), flags: Flags(rawValue: status.flags.rawValue),
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
    init(_ state: JobState) {
        self =
            switch state {
            case .pending: .pending
            case .running: .running
            case .suspended: .suspended
            case .complete: .complete
            case .cancelled: .cancelled
            case .failed: .failed
            case .timeout: .timeout
            case .nodeFail: .nodeFail
            case .preempted: .preempted
            case .bootFail: .bootFail
            case .deadline: .deadline
            case .outOfMemory: .outOfMemory
            }
    }
}
