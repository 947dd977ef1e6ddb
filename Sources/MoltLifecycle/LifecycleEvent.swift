package import MoltCore

/// What can happen to a run.
package enum LifecycleEvent: Hashable, Sendable {
    // The submission protocol. Times are the daemon's.
    case intentRecorded(key: AttemptKey)
    case sendingStarted(at: Double)
    case acknowledged(job: UInt32, at: Double)
    /// A definite no: the first attempt's is the user's error, a later one's is for a person to look at.
    case refused(message: String)
    /// A definite no for now; nothing was started.
    case postponed(message: String, until: Double)
    /// The request may have taken effect.
    case outcomeUnknown(message: String)
    /// A daemon finds what one before it has left: the outcome of what was being sent is unknown, and what that one
    /// measured its patience with may have been another clock.
    case daemonStarted(at: Double)

    // What a look at the queue showed.
    case observed(JobObservation, Evidence, at: Double)
    /// A whole look that began at `lookedAt` did not have the job. `settle` is how long a request that was sent
    /// may still arrive.
    case notInQueue(Evidence, lookedAt: Double, settle: Double)

    // What the user asked for.
    case cancelAsked
    case stopAsked
    case holdAsked
    case releaseAsked(at: Double)
    /// `fromStep`: the step of the checkpoint that the user wants to go on from; nil for the newest.
    case resumeAsked(at: Double, fromStep: Int? = nil)
    /// The recipe of the attempts to come has changed; `isLonger`: the run has more steps than before.
    case edited(LifecyclePolicy, isLonger: Bool, at: Double)
}

/// What a transition leaves to be recorded, in the same transaction as the new state.
package enum LifecycleRecord: Hashable, Sendable {
    case attemptOpened(RunLifecycle.Attempt)
    case attemptSubmitted(RunLifecycle.Attempt, job: UInt32)
    case attemptConfirmed(RunLifecycle.Attempt)
    case attemptEnded(RunLifecycle.Attempt, Cause, reason: String)
    case incarnationStarted(RunLifecycle.Attempt, RunLifecycle.Incarnation)
    case incarnationClaimed(RunLifecycle.Attempt, RunLifecycle.Incarnation)
    case incarnationEnded(RunLifecycle.Attempt, RunLifecycle.Incarnation, Cause, reason: String, at: Double)
    case nodesAvoided([String], reason: String)
    case note(kind: String, String)
    case notify(Occasion, String)

    package enum Occasion: String, Hashable, Sendable, Codable, CaseIterable { case finished, failed, stuck }
}

/// A wish that the state does not allow.
package struct InvalidTransition: Error, Hashable, Sendable, CustomStringConvertible {
    package let description: String
    /// What the user can do instead.
    package let fix: String?

    init(_ description: String, fix: String? = nil) {
        self.description = description
        self.fix = fix
    }
}

extension RunLifecycle {
    /// The one entrance: every change of state passes here.
    package mutating func handle(_ event: LifecycleEvent) throws(InvalidTransition) -> [LifecycleRecord] {
        switch event {
        case .intentRecorded(let key): recordIntent(key)
        case .sendingStarted(let at): startSending(at: at)
        case .acknowledged(let job, let at): acknowledge(job, at: at)
        case .refused(let message): refuse(message)
        case .postponed(let message, let until): postpone(message, until: until)
        case .outcomeUnknown(let message): loseOutcome(message)
        case .daemonStarted(let at): takeOver(at: at)
        case .observed(let seen, let evidence, let at): observe(seen, evidence, at: at)
        case .notInQueue(let evidence, let lookedAt, let settle): miss(evidence, lookedAt: lookedAt, settle: settle)
        case .cancelAsked: try askCancel()
        case .stopAsked: try askStop()
        case .holdAsked: try askHold()
        case .releaseAsked(let at): try askRelease(at: at)
        case .resumeAsked(let at, let step): try askResume(at: at, fromStep: step)
        case .edited(let policy, let isLonger, let at): edit(policy, isLonger: isLonger, at: at)
        }
    }
}
