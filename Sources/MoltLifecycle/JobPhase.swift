/// What a job's state and flags mean for the run; the table of Slurm's states, complete.
package enum JobPhase: Hashable, Sendable {
    case queued(reason: String)
    /// Requeued, and kept back until its begin time.
    case cooldown
    case held(Holder)
    /// It depends on a job that can no longer satisfy it.
    case stuckDependency
    /// Back in the queue, but the processes of the incarnation before may still live.
    case draining
    case starting
    case running
    /// Suspended or stopped by somebody: silence is no hang.
    case suspended
    /// Its end is decided, its processes may still live.
    case finishing(JobObservation.Base)
    case ended(JobObservation.Base)
    /// Moved within a federation of clusters, which is not supported.
    case federated

    package enum Holder: String, Hashable, Sendable, Codable, CaseIterable {
        case user, admin
        /// `SPECIAL_EXIT`: somebody or RequeueExitHold put it back and held it.
        case special
        case launchFailed
    }
}

extension JobObservation {
    package var phase: JobPhase {
        if flags.contains(.revoked) || flags.contains(.requeuedInFederation) { return .federated }
        switch base {
        case .pending: return pendingPhase
        case .running:
            if flags.contains(.stopped) { return .suspended }
            if flags.contains(.completing) { return .finishing(.running) }
            if flags.contains(.configuring) || flags.contains(.poweringUp) { return .starting }
            return .running
        case .suspended: return .suspended
        case .complete, .cancelled, .failed, .timeout, .nodeFail, .preempted, .bootFail, .deadline, .outOfMemory:
            return flags.contains(.completing) ? .finishing(base) : .ended(base)
        }
    }

    private var pendingPhase: JobPhase {
        if flags.contains(.completing) { return .draining }
        if flags.contains(.specialExit) { return .held(.special) }
        if flags.contains(.configuring) || flags.contains(.poweringUp) { return .starting }
        switch reason {
        case "JobHeldUser": return .held(.user)
        case "JobHeldAdmin": return .held(.admin)
        case "JobHoldMaxRequeue", "launch failed requeued held", "launch_failed_requeued_held":
            return .held(.launchFailed)
        case "DependencyNeverSatisfied": return .stuckDependency
        case "BeginTime" where restartCount > 0: return .cooldown
        default: break
        }
        if restartCount > 0, let eligibleAt, eligibleAt > asOf + 1 { return .cooldown }
        return .queued(reason: reason)
    }
}
