import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

// What must never happen.
extension World {
    /// After each event.
    func check() {
        for run in lifecycles.indices where runs[run].isCancelled {
            switch lifecycles[run].state {
            case .queued, .held, .paused, .stuck, .failed:
                violate("run \(run) was cancelled and is \(Pairs.name(of: lifecycles[run].state))")
                runs[run].isCancelled = false
            case .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining, .cooldown,
                .finishing, .missing, .closing, .finished, .cancelled:
                break
            }
        }
    }

    /// A submission reaches the controller.
    func checkSubmission(_ run: Int, _ attempt: Int, _ key: AttemptKey, _ id: UInt32) {
        statistics.submissions += 1
        if !attemptedIDs.insert(id).inserted { statistics.recycledIDs += 1 }
        for job in controller.memory.jobs where job.run == run && job.isLive && !copies.contains(job.id) {
            if job.key == key {
                statistics.duplicates += 1
                violate("attempt \(attempt) of run \(run) arrives twice: jobs \(job.id) and \(id)")
            } else {
                violate("run \(run) gets job \(id) while its job \(job.id) lives")
            }
        }
        if let asked = askedSince[run], !hasReceipt(run, of: asked.key),
            now < asked.time + (setting.amnesiaPatience.map { $0 / 2 } ?? .infinity) {
            violate("run \(run) was to wait for a word of its user's, and attempt \(attempt) is sent")
        }
        if runs[run].isCancelled, attempt > runs[run].cancelledAttempt {
            violate("run \(run) was cancelled, and attempt \(attempt) is sent")
        }
    }

    /// Whose user was told that nothing is sent before their word, and whose job has shown again. A receipt that shows
    /// later says what became of the job: then there is nothing left to ask.
    func noteDoubt(_ records: [LifecycleRecord], _ event: LifecycleEvent, _ run: Int) {
        for case .note(let kind, _) in records {
            switch kind {
            case "controller-amnesia":
                statistics.pauses += 1
                guard case .missing(let job, let since) = lifecycles[run].state else { continue }
                askedSince[run] = (job.attempt.key, now)
                // The site's patience began when the job was missed first.
                if case .notInQueue(_, let looked, _) = event {
                    askedSince[run]?.time = now - max(0, looked - since)
                }
            case "remembered": askedSince[run] = nil
            default: break
            }
        }
    }

    /// A shell takes the run over.
    func checkClaim(_ shell: Shell, _ epoch: Int) {
        for other in shells where other.run == shell.run && other.isAlive && other.epoch != nil
            && other.number != shell.number && !other.isCutOff && nodes[other.node].canBeTold {
            guard let job = controller.memory.jobs.first(where: { $0.launch == other.launch }) else { continue }
            guard job.base == .running || job.base == .suspended else { continue }
            guard !copies.contains(job.id), !copies.contains(shell.job) else { continue }
            violate("\(name(shell)) and \(name(other)) own the run at once")
        }
        if let newest = folders[shell.run].claims.values.last, newest.epoch >= epoch {
            violate("epoch \(epoch) of run \(shell.run) is claimed twice")
        }
    }

    /// We ask Slurm to start a requeued job now.
    func checkBegin(_ job: ModelJob) {
        for shell in shells where shell.job == job.id && shell.key == job.key && shell.isAlive && !shell.isCutOff
            && nodes[shell.node].canBeTold && shell.launch == job.launch {
            violate("job \(job.id) is begun while its incarnation before lives on \(nodeNames[shell.node])")
        }
        // What was planned before the cancel may still be on its way.
        if let run = job.run, runs[run].isCancelled, runs[run].cancelledAt < turnBeganAt {
            violate("run \(run) was cancelled, and its job \(job.id) is begun")
        }
    }

    func checkCommit(_ shell: Shell, _ epoch: Int) {
        guard epoch >= folders[shell.run].committedEpoch else {
            violate("\(name(shell)) commits under epoch \(epoch) after epoch \(folders[shell.run].committedEpoch)")
            return
        }
        folders[shell.run].committedEpoch = epoch
    }

    /// A run's state machine has taken an event.
    func checkTransition(
        _ run: Int, _ event: LifecycleEvent, _ before: RunLifecycle, _ records: [LifecycleRecord]
    ) {
        let after = lifecycles[run]
        if after.lastAttempt < before.lastAttempt { violate("run \(run): attempts go backwards") }
        if case .finished = after.state, before.state != after.state, !hasProof(run, of: before.attempt?.key) {
            violate("run \(run) is finished without a receipt of its last attempt")
        }
        if case .sendingStarted = event, runs[run].isCancelled, before != after {
            violate("run \(run) was cancelled and is sent")
        }
        if case .running(let job, let epoch) = after.state,
            !folders[run].claims.values.contains(where: { $0.epoch == epoch && $0.key == job.key }) {
            violate("run \(run) is called running under epoch \(epoch), which nobody claimed")
        }
        if case .notInQueue = event, before.job != nil, before != after, StateName(before.state) != .missing {
            statistics.vanished += 1
        }
        checkObserved(run, event, before)
        for record in records { checkEnd(run, record, before) }
        checkGivingUp(run, before)
    }

    private func hasReceipt(_ run: Int, of key: AttemptKey) -> Bool {
        folders[run].receipts.values.contains { $0.key == key }
    }

    private func hasProof(_ run: Int, of key: AttemptKey?) -> Bool {
        folders[run].receipts.values.contains { $0.exitCode == JobExit.done.rawValue && $0.key == key }
    }

    /// What somebody else has cancelled is never brought back by itself.
    private func checkObserved(_ run: Int, _ event: LifecycleEvent, _ before: RunLifecycle) {
        guard case .observed(let seen, let evidence, _) = event else { return }
        if seen.key != before.attempt?.key { violate("run \(run) is told of a job that is not its own") }
        guard seen.phase == .ended(.cancelled), before.wish == .run else { return }
        if case .closing = before.state { return }
        guard !evidence.receipts.contains(where: { $0.incarnation == seen.restartCount && $0.exitCode == 0 }) else {
            return
        }
        switch lifecycles[run].state {
        case .queued, .submitting: violate("job \(seen.job) was cancelled from outside, and run \(run) goes on")
        case .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining, .cooldown, .finishing,
            .missing, .closing, .held, .paused, .stuck, .finished, .failed, .cancelled:
            break
        }
    }

    private func checkEnd(_ run: Int, _ record: LifecycleRecord, _ before: RunLifecycle) {
        guard case .attemptEnded(let attempt, let cause, _) = record, cause == .unproven || cause == .lost else {
            return
        }
        let incarnation = before.job?.incarnation.number ?? 0
        // What is lost has had its time: a receipt that shows only now comes too late.
        let latest = cause == .lost ? now - 5 : .infinity
        let isDone = folders[run].receipts.visible(at: latest).contains {
            $0.key == attempt.key && $0.incarnation == incarnation && $0.exitCode == 0
        }
        // A job that somebody made from our script leaves receipts of the same name.
        guard isDone, !isCopied(attempt.key) else { return }
        violate("attempt \(attempt.number) of run \(run) was done and is called \(cause.rawValue)")
    }

    private func isCopied(_ key: AttemptKey) -> Bool {
        controller.memory.jobs.contains { $0.key == key && copies.contains($0.id) }
    }

    /// An attempt is given up, or sent again, only when its job is gone.
    private func checkGivingUp(_ run: Int, _ before: RunLifecycle) {
        guard let old = before.attempt, before.job != nil || before.isUnresolved else { return }
        let after = lifecycles[run]
        let isGivenUp: Bool
        if case .submitting(let attempt, .intent) = after.state { isGivenUp = attempt == old } else {
            isGivenUp = after.attempt == nil
        }
        // Where somebody made another job from the script, either may be the one that is followed; the next look ends
        // what is left, before anything is sent.
        guard isGivenUp, controller.mode != .down, !isCopied(old.key) else { return }
        for job in controller.memory.jobs where job.key == old.key && job.isLive {
            violate("run \(run) gives up attempt \(old.number), whose job \(job.id) lives (\(job.base))")
        }
    }

    /// The last check: with all trouble over, every run has come to its end.
    func checkEnd() {
        guard !isOver else { return }
        for run in lifecycles.indices {
            switch lifecycles[run].state {
            case .finished, .cancelled(elsewhere: false): continue
            case .queued, .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining,
                .cooldown, .finishing, .missing, .closing, .held, .paused, .stuck, .failed, .cancelled:
                violate(
                    "run \(run) has not ended: \(Pairs.name(of: lifecycles[run].state)), wish \(lifecycles[run].wish)")
            }
        }
        if lifecycles.count < setting.runs { violate("not all runs were submitted") }
    }

    /// The sabotaged store: what was asked for since is gone.
    func forgetCancels() {
        for run in lifecycles.indices {
            if let old = beforeCancel[run], lifecycles[run].wish == .cancel { lifecycles[run] = old }
        }
    }
}

extension RunLifecycle {
    fileprivate var isUnresolved: Bool {
        if case .submitting(_, .unresolved) = state { return true }
        return false
    }
}
