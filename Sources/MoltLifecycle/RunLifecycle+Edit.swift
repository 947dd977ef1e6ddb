extension RunLifecycle {
    /// What is under way goes on as it was started; the next attempt is made from the new recipe.
    mutating func edit(_ policy: LifecyclePolicy, isLonger: Bool, at now: Double) -> [LifecycleRecord] {
        self.policy = policy
        guard isLonger else { return [] }
        switch state {
        case .finished:
            state = .queued(Queued(attempt: lastAttempt + 1, notBefore: now))
            wish = .run
            let (spent, step) = (budget.ranSeconds, budget.committedStep)
            budget = Budget()
            (budget.ranSeconds, budget.committedStep) = (spent, step)
            return [.note(kind: "extended", "the run was finished and goes on")]
        case .submitting(_, .intent): break  // not made yet
        case .submitting(let attempt, .sending), .submitting(let attempt, .unresolved):
            extendedDuring = attempt.number
        case .submitted(let job), .pending(let job, _), .heldInQueue(let job, _), .starting(let job),
            .running(let job, _), .suspended(let job), .draining(let job), .cooldown(let job, _),
            .finishing(let job, _), .missing(let job, _), .closing(let job, _):
            extendedDuring = job.attempt.number
        case .queued, .held, .paused, .stuck, .failed, .cancelled: break
        }
        return []
    }
}
