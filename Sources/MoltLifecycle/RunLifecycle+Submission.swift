import MoltCore

// INTENT → SENDING → SUBMITTED → CONFIRMED → CLAIMED.
// A job exists at most once per key, whatever is lost on the way.
extension RunLifecycle {
    mutating func recordIntent(_ key: AttemptKey) -> [LifecycleRecord] {
        switch state {
        case .queued(let queued):
            let attempt = Attempt(number: queued.attempt, key: key)
            lastAttempt = queued.attempt
            state = .submitting(attempt, .intent(sends: 0, notBefore: 0))
            return [.attemptOpened(attempt)]
        case .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining, .cooldown,
            .finishing, .missing, .closing, .held, .paused, .stuck, .finished, .failed, .cancelled:
            return []
        }
    }

    mutating func startSending(at now: Double) -> [LifecycleRecord] {
        switch state {
        case .submitting(let attempt, .intent(let sends, _)):
            state = .submitting(attempt, .sending(since: now, sends: sends + 1))
            return []
        case .submitting(_, .sending), .submitting(_, .unresolved), .queued, .submitted, .pending, .heldInQueue,
            .starting, .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing, .held, .paused,
            .stuck, .finished, .failed, .cancelled:
            return []
        }
    }

    mutating func acknowledge(_ id: UInt32, at now: Double) -> [LifecycleRecord] {
        switch state {
        case .submitting(let attempt, .sending(_, let sends)), .submitting(let attempt, .unresolved(_, let sends)):
            state = .submitted(Job(attempt: attempt, id: id, acknowledgedAt: now, sends: sends))
            return [.attemptSubmitted(attempt, job: id)]
        case .submitting(_, .intent), .queued, .submitted, .pending, .heldInQueue, .starting, .running, .suspended,
            .draining, .cooldown, .finishing, .missing, .closing, .held, .paused, .stuck, .finished, .failed,
            .cancelled:
            return []
        }
    }

    mutating func refuse(_ message: String) -> [LifecycleRecord] {
        switch state {
        case .submitting(let attempt, _):
            if wish == .cancel, let end = endUnsent(attempt) { return end }
            let reason = "the scheduler refused the job: \(message)"
            // An attempt before this one was taken: it is the site that has changed, and a run with work behind it
            // waits for a person. Only of a job that somebody else submitted there is nothing to wait for.
            if attempt.number > 1, adopted == nil {
                state = .stuck(reason)
                return [.attemptEnded(attempt, .launchFailed, reason: message), .notify(.stuck, reason)]
            }
            state = .failed(reason)
            return [.attemptEnded(attempt, .userError, reason: message), .notify(.failed, reason)]
        case .queued, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining, .cooldown,
            .finishing, .missing, .closing, .held, .paused, .stuck, .finished, .failed, .cancelled:
            return []
        }
    }

    mutating func postpone(_ message: String, until: Double) -> [LifecycleRecord] {
        switch state {
        case .submitting(let attempt, .sending(_, let sends)), .submitting(let attempt, .intent(let sends, _)):
            if let end = endUnsent(attempt) { return end }
            // Nothing was started, so the try does not count.
            state = .submitting(attempt, .intent(sends: max(0, sends - 1), notBefore: until))
            return [.note(kind: "postponed", message)]
        case .submitting(_, .unresolved), .queued, .submitted, .pending, .heldInQueue, .starting, .running, .suspended,
            .draining, .cooldown, .finishing, .missing, .closing, .held, .paused, .stuck, .finished, .failed,
            .cancelled:
            return []
        }
    }

    mutating func loseOutcome(_ message: String) -> [LifecycleRecord] {
        switch state {
        case .submitting(let attempt, .sending(let since, let sends)):
            state = .submitting(attempt, .unresolved(since: since, sends: sends))
            return [.note(kind: "ambiguous", "\(message); looking the job up by its key")]
        case .submitting(_, .intent), .submitting(_, .unresolved), .queued, .submitted, .pending, .heldInQueue,
            .starting, .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing, .held, .paused,
            .stuck, .finished, .failed, .cancelled:
            return []
        }
    }

    /// Waits begin anew under a new daemon: nobody knows how far its clock is from that of the one before.
    mutating func takeOver(at now: Double) -> [LifecycleRecord] {
        switch state {
        case .submitting(_, .sending):
            let records = loseOutcome("the daemon was interrupted while it was submitting")
            if case .submitting(let attempt, .unresolved(_, let sends)) = state {
                state = .submitting(attempt, .unresolved(since: now, sends: sends))
            }
            return records
        case .submitting(let attempt, .unresolved(_, let sends)):
            state = .submitting(attempt, .unresolved(since: now, sends: sends))
        case .missing(let job, _): state = .missing(job, since: now)
        case .finishing(let job, _?): state = .finishing(job, since: now)
        case .starting(var job):
            job.incarnation.unclaimedSince = nil
            state = .starting(job)
        case .submitting(_, .intent), .queued, .submitted, .pending, .heldInQueue, .running, .suspended,
            .draining, .cooldown, .finishing, .closing, .held, .paused, .stuck, .finished, .failed, .cancelled:
            break
        }
        return []
    }

    /// A look without the job, while the outcome of sending it is open.
    mutating func settle(
        _ attempt: Attempt, since: Double, sends: Int, evidence: Evidence, lookedAt: Double, settle: Double
    ) -> [LifecycleRecord] {
        if let claim = evidence.claims.last(where: { $0.key == attempt.key }) {
            var job = Job(attempt: attempt, id: claim.jobID, acknowledgedAt: since)
            job.isConfirmed = true
            job.incarnation = Incarnation(number: claim.incarnation)
            job.incarnation.epoch = claim.epoch
            state = .missing(job, since: lookedAt)
            let receipt = evidence.receipt(job.key, incarnation: job.incarnation.number)
            return [
                .attemptSubmitted(attempt, job: claim.jobID),
                .note(kind: "adopted", "job \(claim.jobID) claimed the run; its submission had not been acknowledged"),
            ] + (isForgotten && isInDoubt(attempt, receipt) ? tellDoubt(job) : [])
        }
        if since > lookedAt {
            // Looks follow what is sent: the clock was set back.
            state = .submitting(attempt, .unresolved(since: lookedAt, sends: sends))
            return []
        }
        guard lookedAt > since, lookedAt >= since + settle else { return [] }
        if let forgotten, forgotten.attempt == attempt.number, !forgotten.isReleased {
            let reason = "nobody knows whether its user ended it: there is no trace of the job of attempt "
                + "\(attempt.number); molt resume goes on from the newest checkpoint"
            state = .stuck(reason)
            return [.attemptEnded(attempt, .lost, reason: reason), .notify(.stuck, reason)]
        }
        return sendAgain(attempt, sends: sends, "the job of attempt \(attempt.number) never arrived; sending it again")
    }

    /// The controller acknowledged the job and lost it (it saves its state up to 5 s later).
    mutating func resendLost(_ job: Job, at now: Double) -> [LifecycleRecord] {
        let pause = LifecycleLimits.resendPause(sends: job.sends)
        forgotten = nil
        return sendAgain(
            job.attempt, sends: job.sends, notBefore: pause > 0 ? now + pause : 0,
            "the controller acknowledged job \(job.id) and then lost it; sending attempt \(job.attempt.number) again",
            kind: "lost-acknowledgement")
    }

    private mutating func sendAgain(
        _ attempt: Attempt, sends: Int, notBefore: Double = 0, _ message: String, kind: String = "resent"
    ) -> [LifecycleRecord] {
        if let end = endUnsent(attempt) { return end }
        guard sends < LifecycleLimits.sendsMax else {
            let reason = "attempt \(attempt.number) was sent \(sends) times and never arrived"
            state = .stuck(reason)
            return [.attemptEnded(attempt, .lost, reason: reason), .notify(.stuck, reason)]
        }
        state = .submitting(attempt, .intent(sends: sends, notBefore: notBefore))
        return [.note(kind: kind, message)]
    }

    /// Nothing is out there: what the user wanted meanwhile can be had at once.
    private mutating func endUnsent(_ attempt: Attempt) -> [LifecycleRecord]? {
        switch wish {
        case .run: return nil
        case .hold:
            state = .held
            wish = .run
            return [
                .attemptEnded(attempt, .stopped, reason: "nothing had been started"),
                .note(kind: "held", "held before attempt \(lastAttempt + 1)"),
            ]
        case .cancel:
            state = .cancelled(elsewhere: false)
            return [.attemptEnded(attempt, .cancelled, reason: "nothing had been started")]
        case .pause:
            state = .paused
            return [.attemptEnded(attempt, .stopped, reason: "nothing had been started")]
        }
    }
}
