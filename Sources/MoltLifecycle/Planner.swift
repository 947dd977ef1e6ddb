package import MoltCore

/// One thing to do at the scheduler.
package enum Step: Hashable, Sendable {
    /// Record an intent, with a new key, for this attempt.
    case openAttempt(Int)
    case send(RunLifecycle.Attempt)
    /// Let a requeued job start now.
    case beginNow(job: UInt32, AttemptKey)
    case cancel(job: UInt32, AttemptKey)
    /// Ask the workers to save and stop.
    case stop(job: UInt32, AttemptKey)
    case hold(job: UInt32, AttemptKey)
    case unhold(job: UInt32, AttemptKey)
    /// Look at this one job again soon.
    case watch(job: UInt32)
}

/// What was seen at the scheduler in one look.
package struct SchedulerView: Hashable, Sendable {
    /// The scheduler's clock.
    package var asOf: Double
    /// Nodes that do not answer; nil while nobody has asked.
    package var silentNodes: Set<String>?
    /// Seconds that the scheduler gives processes between SIGTERM and SIGKILL.
    package var killWait: Double

    package init(asOf: Double, silentNodes: Set<String>?, killWait: Double = LifecycleLimits.killWait) {
        self.asOf = asOf
        self.silentNodes = silentNodes
        self.killWait = killWait
    }
}

/// From what is stored and what was seen to what should be done now. Doing a step twice is harmless.
package enum Planner {
    package static func steps(for run: RunLifecycle, view: SchedulerView?, now: Double) -> [Step] {
        switch run.state {
        case .queued(let queued):
            return LifecycleLimits.isDue(queued.notBefore, now) ? [.openAttempt(queued.attempt)] : []
        case .submitting(let attempt, .intent(_, let notBefore)):
            return LifecycleLimits.isDue(notBefore, now) ? [.send(attempt)] : []
        case .submitting(_, .sending), .submitting(_, .unresolved): return []
        case .submitted(let job), .pending(let job, _): return waiting(job, run.wish, isHeld: false)
        case .heldInQueue(let job, _):
            if run.releaseAsked { return [.unhold(job: job.id, job.key)] }
            return waiting(job, run.wish, isHeld: true)
        case .starting(let job), .running(let job, _), .suspended(let job): return live(job, run.wish)
        case .draining(let job): return live(job, run.wish) + [.watch(job: job.id)]
        case .cooldown(let job, let cooldown):
            return cooling(job, cooldown, run.wish, view)
        case .finishing(let job, _): return [.watch(job: job.id)]
        case .closing(let job, _): return [.cancel(job: job.id, job.key)]
        case .missing, .held, .paused, .stuck, .finished, .failed, .cancelled: return []
        }
    }

    private static func waiting(_ job: RunLifecycle.Job, _ wish: Wish, isHeld: Bool) -> [Step] {
        switch wish {
        case .run: []
        case .hold: isHeld ? [] : [.hold(job: job.id, job.key)]
        case .pause, .cancel: [.cancel(job: job.id, job.key)]
        }
    }

    private static func live(_ job: RunLifecycle.Job, _ wish: Wish) -> [Step] {
        switch wish {
        case .run, .hold: []
        case .pause: [.stop(job: job.id, job.key)]
        case .cancel: [.cancel(job: job.id, job.key)]
        }
    }

    private static func cooling(
        _ job: RunLifecycle.Job, _ cooldown: RunLifecycle.Cooldown, _ wish: Wish, _ view: SchedulerView?
    ) -> [Step] {
        switch wish {
        case .pause, .cancel: return [.cancel(job: job.id, job.key)]
        case .hold: return [.hold(job: job.id, job.key)]
        case .run:
            guard let view else { return [.watch(job: job.id)] }
            return mayBegin(cooldown, view) ? [.beginNow(job: job.id, job.key)] : [.watch(job: job.id)]
        }
    }

    /// A requeued job may start again once COMPLETING is gone (or the time is over in which Slurm kills what is left),
    /// the nodes of the incarnation before answer (or its
    /// lease is over), and the controller's clock has passed the second in which the old one ended: a start within
    /// that second can fail with "credential revoked".
    package static func mayBegin(_ cooldown: RunLifecycle.Cooldown, _ view: SchedulerView) -> Bool {
        guard view.asOf.rounded(.down) > cooldown.clearedAt.rounded(.down) else { return false }
        if let since = cooldown.undrainedSince {
            guard view.asOf >= since + view.killWait + LifecycleLimits.killMargin else { return false }
        }
        guard let silent = view.silentNodes else { return false }
        if silent.isDisjoint(with: cooldown.nodes) { return true }
        return view.asOf >= cooldown.clearedAt + LifecycleLimits.nodeLease
    }
}
