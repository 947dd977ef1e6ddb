import MoltCore

extension RunLifecycle {
    /// The job is over and its processes are gone.
    mutating func conclude(
        _ before: Job, _ base: JobObservation.Base, _ seen: JobObservation, _ evidence: Evidence, at now: Double
    ) -> [LifecycleRecord] {
        var job = before
        let hasReceipt = evidence.receipt(job.key, incarnation: job.incarnation.number) != nil
        if !hasReceipt, wish != .cancel, mayStillShowReceipt(job, base, seen) {
            // The receipt was written on another node; this one may see it a little later.
            if case .finishing(_, let since?) = state, since <= now {
                guard now >= since + LifecycleLimits.receiptPatience else {
                    state = .finishing(job, since: since)
                    return []
                }
            } else {
                state = .finishing(job, since: now)
                return []
            }
        }
        let (records, verdict) = endIncarnation(&job, .terminal(base), seen, evidence, at: now)
        return records + attemptEnded(job, records) + apply(verdict, to: job.attempt, at: now)
    }

    /// Claims and receipts are files that other nodes wrote: both may show late. What ended within the time that a
    /// launch takes has claimed nothing, unless Slurm calls it complete.
    private func mayStillShowReceipt(
        _ job: Job, _ base: JobObservation.Base, _ seen: JobObservation
    ) -> Bool {
        if job.incarnation.epoch == nil, base != .complete {
            guard let startedAt = job.incarnation.startedAt,
                (seen.endsAt ?? seen.asOf) - startedAt > LifecycleLimits.launchTime
            else { return false }
        }
        return switch base {
        case .complete, .failed, .cancelled, .timeout, .preempted: true
        case .nodeFail, .bootFail, .deadline, .outOfMemory, .pending, .running, .suspended: false
        }
    }

    /// A whole look at the queue without our job.
    mutating func miss(_ evidence: Evidence, lookedAt: Double, settle: Double) -> [LifecycleRecord] {
        switch state {
        case .submitting(let attempt, .unresolved(let since, let sends)):
            return self.settle(
                attempt, since: since, sends: sends, evidence: evidence, lookedAt: lookedAt, settle: settle)
        case .closing(let job, let verdict):
            return apply(verdict, to: job.attempt, at: lookedAt)
        case .submitted(let job), .pending(let job, _), .heldInQueue(let job, _), .starting(let job),
            .running(let job, _), .suspended(let job), .draining(let job), .cooldown(let job, _),
            .finishing(let job, _):
            // Looks follow what was acknowledged, or the clock was set back: then the next one counts.
            if lookedAt < job.acknowledgedAt { return acknowledgedEarlier(job, than: lookedAt) }
            guard lookedAt > job.acknowledgedAt else { return [] }
            return vanish(job, since: lookedAt, evidence, at: lookedAt)
        case .missing(let job, let since):
            return vanish(job, since: min(since, lookedAt), evidence, at: lookedAt)
        case .submitting(_, .intent), .submitting(_, .sending), .queued, .held, .paused, .stuck, .finished, .failed,
            .cancelled:
            return []
        }
    }

    private mutating func acknowledgedEarlier(_ before: Job, than now: Double) -> [LifecycleRecord] {
        var job = before
        job.acknowledgedAt = now
        switch state {
        case .submitted: state = .submitted(job)
        case .pending(_, let reason): state = .pending(job, reason: reason)
        case .heldInQueue(_, let holder): state = .heldInQueue(job, holder)
        case .starting: state = .starting(job)
        case .running(_, let epoch): state = .running(job, epoch: epoch)
        case .suspended: state = .suspended(job)
        case .draining: state = .draining(job)
        case .cooldown(_, let cooldown): state = .cooldown(job, cooldown)
        case .finishing(_, let since): state = .finishing(job, since: since)
        case .missing(_, let since): state = .missing(job, since: since)
        case .closing(_, let verdict): state = .closing(job, verdict)
        case .queued, .submitting, .held, .paused, .stuck, .finished, .failed, .cancelled: break
        }
        return []
    }

    private mutating func vanish(
        _ before: Job, since: Double, _ evidence: Evidence, at now: Double
    ) -> [LifecycleRecord] {
        var job = before
        // Incarnations may have come and gone while nobody looked: the newest claim of the key tells.
        if let claim = evidence.claims.filter({ $0.key == job.key }).max(by: { $0.epoch < $1.epoch }) {
            job.isConfirmed = true
            if claim.incarnation >= job.incarnation.number {
                if claim.incarnation > job.incarnation.number {
                    job.incarnation = Incarnation(number: claim.incarnation)
                }
                job.incarnation.epoch = claim.epoch
            }
        }
        let receipt = evidence.receipt(job.key, incarnation: job.incarnation.number)
        if isInDoubt(job.attempt, receipt),
            let waiting = awaitPermission(job, since: since, evidence.loss, at: now)
        {
            return waiting
        }
        if receipt == nil, !job.isConfirmed { return resendLost(job, at: now) }
        guard receipt != nil || wish == .cancel || now >= since + LifecycleLimits.missingPatience else {
            let isNew: Bool
            if case .missing = state { isNew = false } else { isNew = true }
            state = .missing(job, since: since)
            return isNew ? [.note(kind: "missing", "the scheduler does not know job \(job.id)")] : []
        }
        let (records, verdict) = endIncarnation(&job, .vanished, nil, evidence, at: now)
        return records + attemptEnded(job, records) + apply(verdict, to: job.attempt, at: now)
    }

    /// Settles what one incarnation's end means; the job value keeps what was learnt.
    mutating func endIncarnation(
        _ job: inout Job, _ ending: IncarnationEnd.Ending, _ seen: JobObservation?, _ evidence: Evidence,
        at now: Double
    ) -> ([LifecycleRecord], Verdict) {
        var records = [LifecycleRecord]()
        let receipt = evidence.receipt(job.key, incarnation: job.incarnation.number)
        if job.incarnation.epoch == nil, let claim = evidence.claim(job.key, incarnation: job.incarnation.number) {
            job.incarnation.epoch = claim.epoch
            records.append(.incarnationClaimed(job.attempt, job.incarnation))
        }
        let endedAt = Self.endTime(job, ending, seen, receipt)
        let end = incarnationEnd(job, ending, seen, evidence, receipt, endedAt)
        let cause = end.cause, detail = Self.detail(end, cause, phase: evidence.remains?.phase)
        let seconds = max(0, endedAt - (job.incarnation.startedAt ?? endedAt))
        let hasAdvanced = budget.advance(to: evidence.committedStep) || mayHaveAdvanced(cause, seconds)
        budget.ranSeconds += seconds
        if hasAdvanced { nodes?.clear(job.incarnation.nodes) }
        var account = EndAccount(cause: cause, detail: detail, hasAdvanced: hasAdvanced)
        account.isDeclared = (receipt?.exitCode ?? end.exitStatus) == JobExit.userError.rawValue
        account.isHardware = end.finding?.isHardware == true
        account.failure = Fingerprint(cause, end.finding, receipt, end.firstToFail).map {
            Failure(fingerprint: $0, step: receipt?.lastStep ?? evidence.remains?.lastStep)
        }
        let suspects = culprits(job, end, evidence)
        if mayBlameNode(cause), job.incarnation.startedAt != nil, seconds < policy.exclusion.fastFailure {
            account.blamesNode = blames(suspects, evidence, at: now)
        }
        var verdict = Verdict.of(account, budget: &budget, policy: policy)
        if adopted != nil, cause == .unproven {
            verdict = .stuck(
                "Slurm calls job \(job.id) complete, and nothing else proves it; molt resume puts it back into the "
                    + "queue")
        }
        var avoided: [String] = []
        if case .again(_, true) = verdict { avoided = avoid(suspects, at: now) }
        if job.incarnation.startedAt != nil || job.incarnation.epoch != nil {
            records.append(.incarnationEnded(job.attempt, job.incarnation, cause, reason: detail, at: endedAt))
        }
        if !avoided.isEmpty { records.append(.nodesAvoided(avoided, reason: cause.rawValue)) }
        let decision = Decision.words(
            verdict, cause, budget, policy, wish, sameJob: ending == .requeued, nextAttempt: job.attempt.number + 1,
            avoiding: avoided)
        return (records + [.note(kind: "decision", decision)], verdict)
    }

    private func incarnationEnd(
        _ job: Job, _ ending: IncarnationEnd.Ending, _ seen: JobObservation?, _ evidence: Evidence,
        _ receipt: Receipt?, _ endedAt: Double
    ) -> IncarnationEnd {
        var end = IncarnationEnd(
            ending: ending, receipt: receipt, wasClaimed: job.incarnation.epoch != nil, wish: wish)
        end.exitStatus = evidence.meaning(of: seen?.exitStatus ?? 0)
        end.exitSignal = seen?.exitSignal ?? 0
        end.outOfMemoryMark = seen?.outOfMemoryMark ?? false
        end.wasPreempted = job.incarnation.preemptedAt != nil
        end.mayBePreempted = evidence.isPreemptible
        end.reachedLimit = Self.reachedLimit(job.incarnation, endedAt)
        end.firstToFail = evidence.remains?.firstToFail
        end.scriptEnd = evidence.remains?.scriptEnd
        end.finding = Finding.of(
            evidence.remains?.tails ?? [], firstRank: receipt?.failedRank ?? end.firstToFail?.rank)
        end.lostNode = !evidence.downNodes.isDisjoint(with: job.incarnation.nodes)
        return end
    }

    /// Causes that a broken node brings about as well as a broken program.
    private func mayBlameNode(_ cause: Cause) -> Bool {
        switch cause {
        case .crashed, .launchFailed, .gpuFault, .collectiveFault, .userError, .storageFault: true
        case .done, .preempted, .wallTime, .stopped, .cancelled, .cancelledElsewhere, .interrupted, .requeued,
            .nodeFailed, .nodeUnfit, .launchRace, .outOfMemory, .outOfGPUMemory, .diskFull, .noProgress, .numerics,
            .fenced, .unproven, .deadline, .lost:
            false
        }
    }

    /// The nodes that the end is to be held against: those that the preflight named, that of the rank that failed
    /// first, or the only one there was.
    private func culprits(_ job: Job, _ end: IncarnationEnd, _ evidence: Evidence) -> [String] {
        if let unfit = end.receipt?.unfitNodes { return unfit }
        if let unfit = evidence.remains?.unfitNodes, !unfit.isEmpty { return unfit }
        if job.incarnation.nodes.count == 1 { return job.incarnation.nodes }
        if let host = end.firstToFail?.host, job.incarnation.nodes.contains(host) { return [host] }
        return []
    }

    /// Notes a failure soon after the start; true when a node has had too many and others can be had instead.
    private mutating func blames(_ suspects: [String], _ evidence: Evidence, at now: Double) -> Bool {
        var memory = nodes ?? NodeMemory()
        var isOver = false
        for node in suspects where memory.suspect(node, at: now, policy.exclusion) { isOver = true }
        nodes = memory
        guard isOver, let partition = evidence.partitionNodes else { return false }
        var next = self
        _ = next.avoid(suspects, at: now)
        return Set(suspects).isSubset(of: next.exclusions(among: partition, needed: evidence.neededNodes, at: now))
    }

    /// What a program does that has never reported a step, nobody knows: a link that it used counts as fruitful, one
    /// that it left at once does not.
    private mutating func mayHaveAdvanced(_ cause: Cause, _ seconds: Double) -> Bool {
        guard policy.isForeign == true, adopted == nil, budget.committedStep == 0 else { return false }
        guard cause == .wallTime || seconds >= LifecycleLimits.fruitlessLinkSeconds else { return false }
        budget.fruitlessLinks = 0
        return true
    }

    func attemptEnded(_ job: Job, _ records: [LifecycleRecord]) -> [LifecycleRecord] {
        for case .incarnationEnded(_, _, let cause, let reason, _) in records {
            return [.attemptEnded(job.attempt, cause, reason: reason)]
        }
        let cause: Cause = switch wish {
        case .cancel: .cancelled
        case .pause: .stopped
        case .run, .hold: .lost
        }
        return [.attemptEnded(job.attempt, cause, reason: "it never started")]
    }

    private static func endTime(
        _ job: Job, _ ending: IncarnationEnd.Ending, _ seen: JobObservation?, _ receipt: Receipt?
    ) -> Double {
        switch ending {
        case .terminal: seen?.endsAt ?? seen?.asOf ?? receipt?.endedAt ?? 0
        case .requeued: job.incarnation.preemptedAt ?? receipt?.endedAt ?? seen?.submittedAt ?? seen?.asOf ?? 0
        case .silent, .unclaimed: receipt?.endedAt ?? seen?.asOf ?? 0
        case .vanished: receipt?.endedAt ?? job.incarnation.startedAt ?? 0
        }
    }

    /// Within the window in which a stop for wall time falls: Slurm's warning may come a minute before its time, which
    /// is a whole short limit.
    private static func reachedLimit(_ incarnation: Incarnation, _ endedAt: Double) -> Bool {
        guard let startedAt = incarnation.startedAt, let endsAt = incarnation.endsAt, endsAt > startedAt else {
            return false
        }
        return endedAt >= endsAt - min(150, max(75, (endsAt - startedAt) / 2))
    }

    /// Returns those that are new.
    mutating func avoid(_ bad: [String], at now: Double) -> [String] {
        var memory = nodes ?? NodeMemory()
        let new = bad.filter { !avoidedNodes.contains($0) || !memory.isAvoided($0, at: now, policy.exclusion) }
        avoidedNodes = avoidedNodes.filter { !new.contains($0) } + new
        memory.avoid(new, at: now)
        nodes = memory
        return new
    }

    fileprivate static func detail(_ end: IncarnationEnd, _ cause: Cause, phase: String?) -> String {
        var detail = detail(end)
        if end.receipt == nil, let first = end.firstToFail {
            let how = first.signal.map { "signal \($0)" } ?? "status \(first.status ?? 0)"
            detail += "; rank \(first.rank) on \(first.host) failed first, with \(how)"
        }
        if cause == .crashed || cause == .userError, let phase, phase != "step", phase != "finish" {
            detail += " (in phase '\(phase)')"
        }
        guard let finding = end.finding, finding.cause == cause || cause == .lost, !detail.contains(finding.line) else {
            return detail
        }
        return "\(detail); its log says: \(DisplayText.escaped(finding.line, limit: 300))"
    }

    private static func detail(_ end: IncarnationEnd) -> String {
        if let receipt = end.receipt { return receipt.reason }
        switch end.ending {
        case .requeued: return end.cause == .preempted ? "preempted" : "put back into the queue"
        case .silent: return "it gives no sign of life, though the scheduler calls it running"
        case .unclaimed(let seconds):
            return "it ran for \(Durations.text(seconds)) without starting molt-job: the node's prolog, the site's "
                + "setup lines or a file system hang"
        case .vanished:
            let end = end.scriptEnd.map { "; its script ended with \($0.words)" } ?? ""
            return "the scheduler no longer knows the job" + end
        case .terminal(let base):
            let how = end.exitSignal != 0 ? "signal \(end.exitSignal)" : "exit status \(end.exitStatus)"
            switch base {
            case .complete: return "complete, without a receipt"
            case .failed: return "failed with \(how)"
            case .cancelled: return "cancelled"
            case .timeout: return "killed at its time limit"
            case .nodeFail: return "a node failed"
            case .preempted: return "preempted"
            case .bootFail: return "a node failed to boot"
            case .deadline: return "reached the deadline given to Slurm"
            case .outOfMemory: return "killed for using too much memory"
            case .pending, .running, .suspended: return "ended in an unknown way"
            }
        }
    }

    /// Carries out a verdict once no process of the attempt can live any more.
    mutating func apply(_ verdict: Verdict, to attempt: Attempt, at now: Double) -> [LifecycleRecord] {
        adopted?.key = attempt.key
        switch (verdict, wish) {
        case (.finish, _) where attempt.number == extendedDuring:
            extendedDuring = nil
            return [.note(kind: "extended", "goes on: the run was made longer meanwhile")]
                + apply(.again(after: 0, avoidNodes: false), to: attempt, at: now)
        case (.finish, _):
            state = .finished
            return [.notify(.finished, "the run is finished")]
        case (.cancel(let byOthers), _):
            let elsewhere = byOthers && wish != .cancel
            state = .cancelled(elsewhere: elsewhere)
            return elsewhere
                ? [.notify(.failed, "the job was cancelled by somebody else")]
                : [.note(kind: "cancelled", "the run is cancelled")]
        case (.pause, .pause), (.again, .pause), (.stuck, .pause), (.fail, .pause):
            state = .paused
            return [.note(kind: "paused", "the run is paused")]
        case (.pause, .cancel), (.again, .cancel), (.stuck, .cancel), (.fail, .cancel):
            state = .cancelled(elsewhere: false)
            return [.note(kind: "cancelled", "the run is cancelled")]
        case (.pause, .hold), (.again, .hold):
            state = .held
            wish = .run
            return [.note(kind: "held", "held before attempt \(lastAttempt + 1)")]
        case (.pause, .run):
            // Resumed while it was stopping.
            state = .queued(Queued(attempt: lastAttempt + 1, notBefore: 0))
            return []
        case (.again(let pause, _), .run):
            state = .queued(Queued(attempt: lastAttempt + 1, notBefore: pause > 0 ? now + pause : 0))
            return []
        case (.fail(let reason), .run), (.fail(let reason), .hold):
            state = .failed(reason)
            return [.notify(.failed, reason)]
        case (.stuck(let reason), .run), (.stuck(let reason), .hold):
            state = .stuck(reason)
            return [.notify(.stuck, reason)]
        }
    }
}

extension IncarnationEnd {
    /// One line for people.
    ///
    /// - Parameter phase: what rank 0 was busy with when it last wrote.
    package func words(phase: String?) -> String { RunLifecycle.detail(self, cause, phase: phase) }
}
