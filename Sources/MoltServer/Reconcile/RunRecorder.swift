import MoltCore
import MoltLifecycle
import MoltStore

/// Writes what a transition left to be recorded, together with the new state, in one transaction.
struct RunRecorder {
    let transaction: StoreTransaction
    let now: Double

    /// Feeds one event to a run's state machine and stores what follows; returns the run as it is then.
    @discardableResult
    func handle(_ event: LifecycleEvent, run id: RunID) throws -> WatchedRun? {
        guard let record = try transaction.snapshot.run(id) else { return nil }
        var run = try WatchedRun(record)
        let before = run.lifecycle
        let records = try run.lifecycle.handle(event)
        guard run.lifecycle != before || !records.isEmpty else { return run }
        for record in records { try apply(record, to: &run.record) }
        try save(&run, postponed: Self.postponement(in: records))
        return run
    }

    /// Why an attempt could not be submitted now; it may wait for as long as that lasts.
    private static func postponement(in records: [LifecycleRecord]) -> String? {
        for case .note("postponed", let message) in records { return message }
        return nil
    }

    /// Stores the run with the columns that follow from its lifecycle.
    func save(_ run: inout WatchedRun, postponed: String? = nil) throws {
        run.record.lifecycle = try WatchedRun.encode(run.lifecycle)
        run.record.state = run.lifecycle.word
        run.record.isWatched = run.lifecycle.isActive
        run.record.attempt = run.lifecycle.lastAttempt
        let waiting = run.lifecycle.waiting
        let delay = postponed.map { "could not be submitted and is tried again: \($0)" }
        run.record.pendingReason = delay ?? waiting?.words
        run.record.pendingCode = waiting?.code
        if run.record.state.isFinal {
            run.record.finishedAt = run.record.finishedAt ?? now
        } else {
            run.record.finishedAt = nil
        }
        try transaction.update(run.record)
    }

    func note(_ kind: String, _ message: String, run: String, attempt: Int? = nil, incarnation: Int? = nil) throws {
        try transaction.append(
            EventRecord(run: run, at: now, kind: kind, attempt: attempt, incarnation: incarnation, message: message))
    }

    /// Notes it, and has the run's user told.
    func tell(_ occasion: LifecycleRecord.Occasion, _ message: String, run: String) throws {
        try transaction.insert(
            NotificationRecord(run: run, occasion: occasion.rawValue, message: message, createdAt: now))
        try note(occasion.rawValue, message, run: run)
    }

    private func apply(_ record: LifecycleRecord, to run: inout RunRecord) throws {
        switch record {
        case .attemptOpened(let attempt):
            try transaction.save(
                AttemptRecord(run: run.id, number: attempt.number, key: attempt.key, openedAt: now))
        case .attemptSubmitted(let attempt, let job):
            try change(attempt, of: run) {
                $0.state = "submitted"
                $0.jobID = job
                $0.submittedAt = now
            }
            try note("submitted", "attempt \(attempt.number) is job \(job)", run: run.id, attempt: attempt.number)
        case .attemptConfirmed(let attempt):
            try change(attempt, of: run) { if $0.state == "submitted" { $0.state = "confirmed" } }
        case .attemptEnded(let attempt, let cause, let reason):
            try change(attempt, of: run) {
                $0.state = "ended"
                $0.outcome = cause.rawValue
                $0.reason = reason
                $0.endedAt = now
            }
            if Self.isTrouble(cause) { run.lastError = reason }
        case .incarnationStarted(let attempt, let incarnation):
            // Its folder may have told of it before the scheduler did.
            let isNew = try transaction.snapshot.incarnation(run.id, attempt.number, incarnation.number) == nil
            try change(attempt, incarnation, of: run) { _ in }
            run.startedAt = run.startedAt ?? incarnation.startedAt ?? now
            if isNew { run.incarnations += 1 }
            let nodes = incarnation.nodes.joined(separator: " ")
            let place = nodes.isEmpty ? "" : " on \(DisplayText.escaped(nodes, limit: 200))"
            try note(
                incarnation.number == 0 ? "started" : "restarted", "attempt \(attempt.number) started\(place)",
                run: run.id, attempt: attempt.number, incarnation: incarnation.number)
        case .incarnationClaimed(let attempt, let incarnation):
            try change(attempt, incarnation, of: run) { $0.epoch = incarnation.epoch }
            try change(attempt, of: run) { $0.state = "claimed" }
        case .incarnationEnded(let attempt, let incarnation, let cause, let reason, let at):
            try change(attempt, incarnation, of: run) {
                $0.epoch = incarnation.epoch ?? $0.epoch
                $0.endedAt = at
                $0.outcome = cause.rawValue
                $0.reason = reason
            }
            if Self.isTrouble(cause) { run.lastError = reason }
            let message = reason.isEmpty ? cause.rawValue : reason
            try note(
                cause == .done ? "done" : cause.rawValue, message, run: run.id, attempt: attempt.number,
                incarnation: incarnation.number)
        case .nodesAvoided(let nodes, let reason):
            for node in nodes {
                try transaction.save(NodeExclusionRecord(run: run.id, node: node, reason: reason, at: now))
            }
            try note("excluded", "from now on without \(nodes.joined(separator: ", ")) (\(reason))", run: run.id)
        case .note(let kind, let message):
            try note(kind, message, run: run.id)
        case .notify(let occasion, let message):
            if occasion != .finished { run.lastError = message }
            try tell(occasion, message, run: run.id)
        }
    }

    private static func isTrouble(_ cause: Cause) -> Bool {
        switch cause {
        case .done, .preempted, .wallTime, .stopped, .cancelled, .interrupted, .requeued: false
        case .cancelledElsewhere, .nodeFailed, .nodeUnfit, .launchRace, .launchFailed, .outOfMemory, .outOfGPUMemory,
            .gpuFault, .collectiveFault, .diskFull, .storageFault, .noProgress, .numerics, .userError, .fenced,
            .unproven, .crashed, .deadline, .lost:
            true
        }
    }

    private func change(
        _ attempt: RunLifecycle.Attempt, of run: RunRecord, _ body: (inout AttemptRecord) -> Void
    ) throws {
        var record =
            try transaction.snapshot.attempt(run.id, attempt.number)
            ?? AttemptRecord(run: run.id, number: attempt.number, key: attempt.key, openedAt: now)
        body(&record)
        try transaction.save(record)
    }

    private func change(
        _ attempt: RunLifecycle.Attempt, _ incarnation: RunLifecycle.Incarnation, of run: RunRecord,
        _ body: (inout IncarnationRecord) -> Void
    ) throws {
        var record =
            try transaction.snapshot.incarnation(run.id, attempt.number, incarnation.number)
            ?? IncarnationRecord(run: run.id, attempt: attempt.number, number: incarnation.number)
        if !incarnation.nodes.isEmpty { record.nodes = incarnation.nodes }
        record.startedAt = incarnation.startedAt ?? record.startedAt
        body(&record)
        try transaction.save(record)
    }
}
