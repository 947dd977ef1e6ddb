import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltStore

// A run that the store was missing, or knew less of than its folder, is read in two strides: its starts at once, and
// then its event files as those of any run, part by part.
extension StoreLedger {
    func catchUp(_ id: RunID) async throws(LedgerError) -> Bool {
        guard let record = try await read({ try $0.run(id) }) else { return false }
        let run: TrackedRun
        do {
            run = TrackedRun(try WatchedRun(record))
        } catch {
            throw LedgerError(error)
        }
        guard !reading.contains(id) else { return true }
        let hadNews = try await readProgress([run], bytes: Limits.caughtUpBytes)
        // What writes on is read on.
        if hadNews, !run.mayReport { return true }
        offsets[id] = nil
        try await write { transaction in
            try transaction.deleteEventFile(run: id.rawValue, name: EventTail.behind)
        }
        return false
    }

    func tellHistory(of run: TrackedRun) async throws(LedgerError) {
        let id = run.id.rawValue, now = clock.now()
        let attempts = try await read { try $0.attempts(id) }
        let history = FoundHistory(run, attempts: attempts)
        try await write { transaction in
            guard try transaction.snapshot.run(run.id) != nil else { return }
            try history.store(RunRecorder(transaction: transaction, now: now))
            try transaction.save(EventFileRecord(run: id, name: EventTail.behind, offset: 1))
        }
        offsets[run.id]?[EventTail.behind] = 1
    }
}
