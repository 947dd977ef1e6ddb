// A store that was restored from a copy knows less than the run folders, which nothing is sent without.
extension RunLifecycle {
    /// This run with an attempt that its folder shows and the store does not know, or knows only as meant: it may have
    /// been sent, so it is looked up by its key before anything else. Nil when the store knows as much.
    ///
    /// - Parameter isRestored: the store is older than the folder, so that what it holds for unsent may have been sent.
    package func recovered(
        _ found: Attempt, isRestored: Bool, wasAskedToStop: Bool, at now: Double
    ) -> RunLifecycle? {
        guard adopted == nil else { return nil }
        var isDoubtful = false
        if case .submitting(found, .intent) = state {
            guard isRestored else { return nil }
        } else {
            isDoubtful = isRestored
            let isOther = attempt.map { $0.number == found.number && $0.key != found.key } ?? false
            guard found.number > lastAttempt || isOther else { return nil }
        }
        var next = self
        next.lastAttempt = max(lastAttempt, found.number)
        // An attempt is made for a run that is meant to run.
        next.wish = .run
        next.releaseAsked = false
        next.state = .submitting(found, .unresolved(since: now, sends: 1))
        if isDoubtful { next.forgotten = .inDoubt(found, wasAskedToStop) }
        return next
    }

    /// The store is older than what was last asked of this run: if its job turns out to be gone, a person must say
    /// whether it goes on. False when nothing was under way.
    package mutating func doubt(wasAskedToStop: Bool) -> Bool {
        guard adopted == nil, wish == .run, forgotten == nil, let attempt else { return false }
        if case .submitting(_, .intent) = state { return false }
        forgotten = .inDoubt(attempt, wasAskedToStop)
        return true
    }

    /// A run that only its folder knows. Its user may have ended it: if its job is gone, a person must say so.
    package init(policy: LifecyclePolicy, found: Attempt, isDone: Bool, wasAskedToStop: Bool, at now: Double) {
        self.init(policy: policy)
        lastAttempt = found.number
        if isDone {
            state = .finished
        } else {
            // It may live, whatever its newest receipt says: Slurm puts a preempted job back under the same number.
            state = .submitting(found, .unresolved(since: now, sends: 1))
            forgotten = .inDoubt(found, wasAskedToStop)
        }
    }

    /// A restored run whose folder is gone or damaged; its job may live all the same, and is not ended for that.
    package mutating func loseFolder(_ reason: String) {
        if attempt == nil { state = .stuck(reason) } else { _ = doubt(wasAskedToStop: true) }
    }
}

extension RunLifecycle.Forgotten {
    fileprivate static func inDoubt(_ attempt: RunLifecycle.Attempt, _ wasAskedToStop: Bool) -> Self {
        Self(
            attempt: attempt.number, patience: nil, isReleased: false, isDoubtful: true, wasAskedToStop: wasAskedToStop)
    }
}
