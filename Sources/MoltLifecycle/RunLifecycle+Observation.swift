import MoltCore

extension RunLifecycle {
    /// News about the job that carries this run's key. Jobs with other keys never get here.
    mutating func observe(_ seen: JobObservation, _ evidence: Evidence, at now: Double) -> [LifecycleRecord] {
        switch state {
        case .submitting(let attempt, let sending):
            guard seen.key == attempt.key else { return [] }
            return adopt(attempt, sending, seen) + follow(seen, evidence, at: now)
        case .submitted(let job), .pending(let job, _), .heldInQueue(let job, _), .starting(let job),
            .running(let job, _), .suspended(let job), .draining(let job), .cooldown(let job, _),
            .finishing(let job, _), .missing(let job, _), .closing(let job, _):
            guard seen.key == job.key else { return [] }
            return follow(seen, evidence, at: now)
        case .queued, .held, .paused, .stuck, .finished, .failed, .cancelled:
            return []  // late news about an attempt that is over
        }
    }

    /// True when a sight of the run's job changes nothing, whatever lies in the run folder: it waits as it did, for the
    /// same reason. Claims and receipts are those of starts, and there has been none since.
    package func waitsAsBefore(_ seen: JobObservation) -> Bool {
        guard case .pending(let job, let reason) = state, adopted == nil, job.isConfirmed, job.firstSeenAt != nil,
            seen.job == job.id, seen.key == job.key, seen.restartCount == job.incarnation.number
        else { return false }
        return seen.phase == .queued(reason: reason)
    }

    private mutating func adopt(_ attempt: Attempt, _ sending: Sending, _ seen: JobObservation) -> [LifecycleRecord] {
        let since: Double
        switch sending {
        case .intent(_, let notBefore): since = notBefore
        case .sending(let time, _), .unresolved(let time, _): since = time
        }
        state = .submitted(Job(attempt: attempt, id: seen.job, acknowledgedAt: since))
        return [
            .attemptSubmitted(attempt, job: seen.job),
            .note(kind: "adopted", "found job \(seen.job) by the key of attempt \(attempt.number)"),
        ]
    }

    private mutating func follow(_ seen: JobObservation, _ evidence: Evidence, at now: Double) -> [LifecycleRecord] {
        guard var job else { return [] }
        var records = rememberAgain(job)
        if seen.job != job.id {
            records.append(.note(kind: "job-changed", "the run goes on as job \(seen.job), not \(job.id)"))
            records.append(.attemptSubmitted(job.attempt, job: seen.job))
            job.id = seen.job
        }
        // A job that is adopted may have been restarted before.
        let isTakenOver = adopted != nil && job.firstSeenAt == nil && job.incarnation.startedAt == nil
        if isTakenOver { job.incarnation = Incarnation(number: seen.restartCount) }
        records += confirm(&job, seen, evidence)
        if seen.restartCount > job.incarnation.number {
            if let preemptedAt = seen.preemptedAt { job.incarnation.preemptedAt = preemptedAt }
            guard seen.phase != .draining else {
                records += claimed(&job, evidence)
                return records + [drainingNote(job)].compactMap { $0 } + enter(.draining(job))
            }
            // Of a start that came to nothing; which of several nodes refused it, nobody tells.
            let refusing = job.incarnation.epoch == nil ? job.incarnation.nodes : []
            let (ended, verdict) = endIncarnation(&job, .requeued, seen, evidence, at: now)
            records += ended
            let cooldown = Cooldown(
                clearedAt: seen.asOf, nodes: job.incarnation.nodes,
                undrainedSince: hasDrained(job, ended, evidence) ? nil : seen.submittedAt ?? seen.asOf)
            records += unseen(job, after: job.incarnation.number, before: seen.restartCount, evidence)
            job.incarnation = Incarnation(number: seen.restartCount)
            switch verdict {
            case .again:
                return records
                    + enter(
                        phase: seen, job, evidence, at: now, after: cooldown,
                        refusing: refusing.count == 1 ? refusing : [])
            case .finish, .pause, .cancel, .fail, .stuck:
                return records + attemptEnded(job, ended) + enter(.closing(job, verdict))
            }
        }
        let wasPutBack = isTakenOver && adopted?.key != nil
        return records
            + enter(
                phase: seen, job, evidence, at: now,
                after: wasPutBack ? Cooldown(clearedAt: seen.asOf, nodes: []) : nil)
    }

    /// Incarnations that came and went while nobody looked: their claims and receipts tell.
    private func unseen(_ job: Job, after old: Int, before new: Int, _ evidence: Evidence) -> [LifecycleRecord] {
        guard new > old + 1 else { return [] }
        return (old + 1..<new).flatMap { number -> [LifecycleRecord] in
            guard let claim = evidence.claim(job.key, incarnation: number) else { return [] }
            var incarnation = Incarnation(number: number)
            incarnation.epoch = claim.epoch
            incarnation.startedAt = claim.claimedAt
            let receipt = evidence.receipt(job.key, incarnation: number)
            let end = IncarnationEnd(ending: .requeued, receipt: receipt, wasClaimed: true, wish: wish)
            let reason = receipt?.reason ?? "put back into the queue while no daemon ran"
            return [
                .incarnationStarted(job.attempt, incarnation), .incarnationClaimed(job.attempt, incarnation),
                .incarnationEnded(
                    job.attempt, incarnation, end.cause, reason: reason, at: receipt?.endedAt ?? claim.claimedAt),
            ]
        }
    }

    private func drainingNote(_ job: Job) -> LifecycleRecord? {
        if case .draining = state { return nil }
        let why = job.incarnation.preemptedAt == nil ? "put back into the queue" : "preempted"
        return .note(kind: "draining", "job \(job.id) was \(why); its processes are ending")
    }

    private func confirm(_ job: inout Job, _ seen: JobObservation, _ evidence: Evidence) -> [LifecycleRecord] {
        let firstSeen = job.firstSeenAt ?? seen.asOf
        job.firstSeenAt = firstSeen
        let isClaimed = evidence.claims.contains { $0.key == job.key }
        guard !job.isConfirmed, isClaimed || seen.asOf >= firstSeen + LifecycleLimits.confirmAfter else { return [] }
        job.isConfirmed = true
        return [.attemptConfirmed(job.attempt)]
    }

    /// Notes the claim of the current incarnation when its file shows for the first time.
    private func claimed(_ job: inout Job, _ evidence: Evidence) -> [LifecycleRecord] {
        guard job.incarnation.epoch == nil,
            let claim = evidence.claim(job.key, incarnation: job.incarnation.number)
        else { return [] }
        job.incarnation.epoch = claim.epoch
        return [.incarnationClaimed(job.attempt, job.incarnation)]
    }

    private mutating func enter(
        phase seen: JobObservation, _ before: Job, _ evidence: Evidence, at now: Double,
        after cooldown: Cooldown? = nil, refusing: [String] = []
    ) -> [LifecycleRecord] {
        var job = before
        var records = [LifecycleRecord]()
        let phase = seen.phase
        if case .closing(_, let verdict) = state { return records + closing(job, verdict, phase, at: now) }
        switch phase {
        case .queued, .held, .cooldown, .stuckDependency, .draining, .federated: break
        case .starting, .running, .suspended, .finishing, .ended:
            records += started(&job, seen)
            records += claimed(&job, evidence)
        }
        switch phase {
        case .queued(let reason): records += enter(.pending(job, reason: reason))
        case .stuckDependency: records += enterStuckDependency(job)
        case .held(.launchFailed): records += abandon(job, refusedBy: refusing, at: now)
        case .held(let holder): records += enter(.heldInQueue(job, holder))
        case .draining: records += enter(.draining(job))
        case .cooldown: records += enterCooldown(job, seen, cooldown)
        case .starting:
            job.incarnation.unclaimedSince = nil
            records += enter(.starting(job))
        case .running:
            if let epoch = job.incarnation.epoch {
                guard evidence.silence <= LifecycleLimits.silenceMax else {
                    return records + giveUp(job, .silent, seen, evidence, at: now)
                }
                job.incarnation.unclaimedSince = nil
                job.incarnation.isSlow = nil
                records += enter(.running(job, epoch: epoch))
            } else {
                records += awaitClaim(job, seen, evidence, at: now)
            }
        case .suspended:
            job.incarnation.unclaimedSince = nil
            records += enter(.suspended(job))
        case .finishing: records += enter(.finishing(job, since: nil))
        case .ended(let base): records += conclude(job, base, seen, evidence, at: now)
        case .federated: records.append(.note(kind: "federated", "the job moved within a federation of clusters"))
        }
        return records
    }

    private mutating func enter(_ next: State) -> [LifecycleRecord] {
        if case .heldInQueue = next {} else { releaseAsked = false }
        state = next
        return []
    }

    private mutating func enterStuckDependency(_ job: Job) -> [LifecycleRecord] {
        let reason = "DependencyNeverSatisfied"
        // What is known of the job may have grown since.
        var isNew = true
        if case .pending(_, reason) = state { isNew = false }
        state = .pending(job, reason: reason)
        return isNew ? [.notify(.stuck, "the job depends on one that can no longer satisfy it")] : []
    }

    private mutating func enterCooldown(_ job: Job, _ seen: JobObservation, _ new: Cooldown?) -> [LifecycleRecord] {
        if let new {
            state = .cooldown(job, new)
        } else if case .cooldown(_, let cooldown) = state {
            state = .cooldown(job, cooldown)
        } else {
            state = .cooldown(
                job, Cooldown(clearedAt: seen.asOf, nodes: [], undrainedSince: seen.submittedAt ?? seen.asOf))
        }
        return []
    }

    /// Whether Slurm waited for the processes of the incarnation that has just ended, as it does when it preempts one,
    /// or all its ranks ended in good order after it was told to stop. When a node fails it waits for nobody, and a job
    /// that starts while they live is refused and the node drained ("Duplicate jobid", seen in 22.05).
    private func hasDrained(_ job: Job, _ ended: [LifecycleRecord], _ evidence: Evidence) -> Bool {
        for case .incarnationEnded(_, _, let cause, _, _) in ended {
            if cause == .nodeFailed { return false }
            if cause == .preempted { return true }
        }
        if case .draining = state { return true }
        if job.incarnation.preemptedAt != nil { return true }
        guard let receipt = evidence.receipt(job.key, incarnation: job.incarnation.number) else { return false }
        return receipt.stopSignal != nil && JobExit(rawValue: receipt.exitCode) != nil
    }

    private func started(_ job: inout Job, _ seen: JobObservation) -> [LifecycleRecord] {
        let isNew = job.incarnation.startedAt == nil && seen.startedAt != nil
        if let startedAt = seen.startedAt { job.incarnation.startedAt = startedAt }
        if !seen.base.isTerminal, let endsAt = seen.endsAt { job.incarnation.endsAt = endsAt }
        if let preemptedAt = seen.preemptedAt { job.incarnation.preemptedAt = preemptedAt }
        if !seen.nodes.isEmpty { job.incarnation.nodes = seen.nodes }
        return isNew ? [.incarnationStarted(job.attempt, job.incarnation)] : []
    }

    /// Slurm could not start the job and keeps it for a person to look at; nobody is awake, and another submission
    /// gets past that, without the node that refused it.
    private mutating func abandon(_ job: Job, refusedBy nodes: [String], at now: Double) -> [LifecycleRecord] {
        let place = nodes.isEmpty ? "" : " on \(nodes.joined(separator: ", "))"
        let reason = "Slurm could not start job \(job.id)\(place) and holds it"
        let verdict = Verdict.of(
            EndAccount(cause: .launchFailed, detail: reason), budget: &budget, policy: policy)
        state = .closing(job, verdict)
        let avoided = avoid(nodes, at: now)
        let decision = Decision.words(
            verdict, .launchFailed, budget, policy, wish, nextAttempt: job.attempt.number + 1, avoiding: avoided)
        let exclusion = avoided.isEmpty ? [] : [LifecycleRecord.nodesAvoided(avoided, reason: "launch-failed")]
        return [
            .note(kind: "launch-failed", reason), .attemptEnded(job.attempt, .launchFailed, reason: reason),
        ] + exclusion + [.note(kind: "decision", decision)]
    }

    /// Slurm says that it runs, and nothing of it has said so: a prolog, the site's `setup` lines or a file system may
    /// take their time, or hang for ever. What somebody wrote by hand claims nothing and is left alone.
    private mutating func awaitClaim(
        _ before: Job, _ seen: JobObservation, _ evidence: Evidence, at now: Double
    ) -> [LifecycleRecord] {
        guard adopted == nil else { return enter(.starting(before)) }
        var job = before
        let since = min(job.incarnation.unclaimedSince ?? now, now), waited = now - since
        job.incarnation.unclaimedSince = since
        if waited > policy.startPatience { return giveUp(job, .unclaimed(after: waited), seen, evidence, at: now) }
        guard waited > LifecycleLimits.startSlow, job.incarnation.isSlow != true else { return enter(.starting(job)) }
        job.incarnation.isSlow = true
        let place = job.incarnation.nodes.isEmpty ? "" : " on \(job.incarnation.nodes.joined(separator: ", "))"
        let note = "job \(job.id) has run for \(Durations.text(waited))\(place), and molt-job has not started there"
        return enter(.starting(job)) + [.note(kind: "starting-slow", note)]
    }

    /// The scheduler takes a job for running that has died, or that has left its receipt: it is cancelled, and what its
    /// end means holds once it is gone.
    private mutating func giveUp(
        _ before: Job, _ ending: IncarnationEnd.Ending, _ seen: JobObservation, _ evidence: Evidence, at now: Double
    ) -> [LifecycleRecord] {
        var job = before
        let (records, verdict) = endIncarnation(&job, ending, seen, evidence, at: now)
        state = .closing(job, verdict)
        return records + attemptEnded(job, records)
    }

    private mutating func closing(
        _ job: Job, _ verdict: Verdict, _ phase: JobPhase, at now: Double
    ) -> [LifecycleRecord] {
        switch phase {
        case .ended: return apply(verdict, to: job.attempt, at: now)
        case .queued, .cooldown, .held, .stuckDependency, .draining, .starting, .running, .suspended, .finishing,
            .federated:
            state = .closing(job, verdict)
            return []
        }
    }
}
