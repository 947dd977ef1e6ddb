// A store that was restored from a copy knows less than the run folders, which nothing is sent without.
extension RunLifecycle {
    /// This run with an attempt that its folder shows and the store does not know, or knows only as meant: it may have
    /// been sent, so it is looked up by its key before anything else. Nil when the store knows as much.
    ///
    /// - Parameter isRestored: the store is older than the folder, so that what it holds for unsent may have been sent.
    package func recovered(_ found: Attempt, isRestored: Bool, at now: Double) -> RunLifecycle? {
        guard adopted == nil else { return nil }
        if case .submitting(found, .intent) = state {
            guard isRestored else { return nil }
        } else {
            let isOther = attempt.map { $0.number == found.number && $0.key != found.key } ?? false
            guard found.number > lastAttempt || isOther else { return nil }
        }
        var next = self
        next.lastAttempt = max(lastAttempt, found.number)
        // An attempt is made for a run that is meant to run.
        next.wish = .run
        next.releaseAsked = false
        next.state = .submitting(found, .unresolved(since: now, sends: 1))
        return next
    }

    /// A run that only its folder knows.
    package init(policy: LifecyclePolicy, found: Attempt, end: FoundEnd, at now: Double) {
        self.init(policy: policy)
        lastAttempt = found.number
        switch end {
        case .finished: state = .finished
        case .unclear(let reason): state = .stuck(reason)
        case .open:
            state = .submitting(found, .unresolved(since: now, sends: 1))
            // Its user may have ended it: if its job is gone, a person must say so.
            forgotten = Forgotten(attempt: found.number, patience: nil, isReleased: false)
        }
    }

    /// What a folder tells about the newest attempt's end.
    package enum FoundEnd: Hashable, Sendable {
        /// It may still live.
        case open
        case finished
        /// It is over, and only a person knows whether it was meant to be.
        case unclear(String)
    }

    /// A restored run of which nothing is left to go on with.
    package mutating func loseFolder(_ reason: String) {
        state = .stuck(reason)
    }
}
