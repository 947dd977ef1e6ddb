import MoltCore
import MoltLifecycle
import MoltScheduler

extension SiteReconciler {
    /// What sending is for a run that consists of a hand-written job: the job gets the attempt's key, and if it has
    /// ended as an earlier attempt, it is put back into the queue.
    func attach(_ job: AdoptedJob, _ attempt: RunLifecycle.Attempt, _ run: TrackedRun) async throws(LedgerError) {
        // From here on the outcome is unknown until the scheduler has answered; a restarted daemon must know that.
        let began = clock.now()
        try await ledger.record([(run.id, .sendingStarted(at: began))])
        // The user may have taken the wish back meanwhile.
        let now = try await ledger.watched().first { $0.id == run.id }?.lifecycle
        guard now?.isSending(attempt) == true else { return }
        try await ledger.pass(.sendingRecorded)
        let memory = await excluded(run)
        let adoption = JobAdoption(
            job: job.id, name: job.name, from: job.key, to: attempt.key, excludedNodes: memory)
        let event = try await take(adoption, attempt, run)
        await noteOutcome(event, attempt.key, began: began)
        try await ledger.pass(.submitAnswered)
        try await ledger.record([(run.id, event)])
        try await ledger.pass(.outcomeRecorded)
        hurry()
    }

    private func excluded(_ run: TrackedRun) async -> [String] {
        guard !run.lifecycle.avoidedNodes.isEmpty,
            let settings = await configuration(maxAge: Limits.configurationAge)
        else { return [] }
        let partition = settings.partitions.first { partition in
            run.partition.map { $0 == partition.name } ?? partition.isDefault
        }
        return run.lifecycle.exclusions(among: partition?.nodes, needed: 1, at: clock.now())
    }

    private func take(
        _ adoption: JobAdoption, _ attempt: RunLifecycle.Attempt, _ run: TrackedRun
    ) async throws(LedgerError) -> LifecycleEvent {
        do throws(SchedulerError) {
            try await scheduler.adopt(adoption)
            return .acknowledged(job: adoption.job, at: clock.now())
        } catch {
            switch error {
            case .notFound, .wrongState, .keyMismatch:
                // It was over before it could be taken, and may be forgotten or its number another's by now; what the
                // plugin wrote may still tell how it ended.
                let question = EvidenceQuestion(
                    run: run, attempt: attempt, incarnations: 0...0, ended: nil, readsProgress: false,
                    isPreemptible: false, isSuspended: false)
                let hasEnd = try await !ledger.evidence(question).receipts.isEmpty
                return hasEnd && adoption.from == nil
                    ? .outcomeUnknown(message: "job \(adoption.job) was over before it was adopted")
                    : .refused(message: "job \(adoption.job) cannot be had any more: \(error.words)")
            case .rejected, .notPermitted: return .refused(message: error.words)
            case .later: return putOff(error.words, attempt.key, isGrowing: true)
            case .unavailable: return putOff(error.words, attempt.key, isGrowing: false)
            case .ambiguous: return .outcomeUnknown(message: error.words)
            }
        }
    }
}
