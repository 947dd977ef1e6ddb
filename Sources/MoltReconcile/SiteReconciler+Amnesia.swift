import MoltCore
import MoltLifecycle
import MoltScheduler

extension SiteReconciler {
    /// A run whose job a whole look did not show.
    struct Absence {
        var run: TrackedRun
        var key: AttemptKey
        var evidence: Evidence
    }

    /// Whether the controller has forgotten what it had written down. Jobs that left a receipt were purged in good
    /// order; those that were there for moments only a crash may lose; and a controller that has been there for longer
    /// than a job cannot have lost it by its start.
    ///
    /// - Parameters:
    ///   - lastAsOf: the controller's clock in the look before; nil when this daemon made none.
    ///   - asOf: the controller's clock in this one, whole seconds, at `now` by ours.
    func massLoss(
        _ absent: [Absence], of runs: [TrackedRun], lastAsOf: Double?, asOf: Double, at now: Double
    ) async -> (loss: MassLoss, keys: Set<AttemptKey>)? {
        if let patience = site.amnesiaPatience, patience <= 0 { return nil }
        let lost = absent.compactMap { absence in
            absence.run.shouldBeKnown && !absence.hasEnded ? absence.run.lifecycle.job : nil
        }
        let expected = runs.count(where: \.shouldBeKnown)
        guard MassLoss(missing: lost.count, expected: expected, patience: nil) != nil else { return nil }
        // Asked for now: an older answer may be the former controller's.
        let startedAt = await configuration(maxAge: Limits.configurationAgeAtRelease)?.controllerStartedAt
        // By our clock, and at the latest.
        let begun = startedAt.map { $0 + 1 - (asOf - now) } ?? now
        let forgotten = lost.filter { job in
            guard begun >= job.acknowledgedAt else { return false }
            guard let lastAsOf else { return begun >= job.acknowledgedAt + Limits.writtenDown }
            return job.firstSeenAt.map { lastAsOf >= $0 + LifecycleLimits.confirmAfter } ?? false
        }
        return MassLoss(missing: forgotten.count, expected: expected, patience: site.amnesiaPatience)
            .map { ($0, Set(forgotten.map(\.key))) }
    }
}

extension SiteReconciler.Absence {
    /// Nil when it leaves the run as it is.
    func event(with loss: MassLoss?, lookedAt: Double, settle: Double) -> (id: RunID, event: LifecycleEvent)? {
        var evidence = evidence
        evidence.loss = loss
        let event = LifecycleEvent.notInQueue(evidence, lookedAt: lookedAt, settle: settle)
        return run.isChanged(by: event) ? (run.id, event) : nil
    }

    /// The run folder tells how it ended.
    fileprivate var hasEnded: Bool {
        guard let job = run.lifecycle.job else { return false }
        return evidence.receipts.contains { $0.key == job.key && $0.incarnation >= job.incarnation.number }
    }
}
