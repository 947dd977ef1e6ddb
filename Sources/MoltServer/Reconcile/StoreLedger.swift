import FoundationEssentials
import Logging
import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltRecipe
import MoltScheduler
import MoltStore

/// The loop's books in the real daemon: the store and the run folders of one site.
actor StoreLedger: RunLedger {
    let site: Site
    let store: Store
    let maker: any AttemptMaker
    let clock: any DaemonClock
    let logger: Logger
    let paths: DaemonPaths

    private var files = EvidenceReader()
    /// What the newest materials of a run were made from.
    var prepared: [RunID: FrozenRecord] = [:]
    /// The runs as they were last loaded: most have the same state again, which need not be unpacked anew.
    private var newest: [String: WatchedRun] = [:]
    /// Runs whose event files are being read just now.
    private var reading: Set<RunID> = []

    init(
        site: Site, store: Store, maker: any AttemptMaker, clock: any DaemonClock, paths: DaemonPaths, logger: Logger
    ) {
        self.site = site
        self.store = store
        self.maker = maker
        self.clock = clock
        self.paths = paths
        self.logger = logger
    }

    func pass(_ point: Failpoint) async throws(LedgerError) {
        do {
            try Failpoints.pass(point)
        } catch {
            throw LedgerError(error)
        }
    }

    func watched() async throws(LedgerError) -> [TrackedRun] {
        let name = site.name
        let rows = try await read { snapshot in try snapshot.watched(site: name) }
        var unpacked: [String: WatchedRun] = [:]
        let runs = rows.compactMap { row -> TrackedRun? in
            do {
                let run = try newest[row.id]?.with(row) ?? WatchedRun(row)
                unpacked[row.id] = run
                return TrackedRun(
                    id: run.id, lifecycle: run.lifecycle, folder: run.folder, partition: row.partition,
                    trouble: row.lastError)
            } catch {
                logger.error("cannot read a run's state", metadata: ["run": "\(row.id)", "error": "\(error)"])
                return nil
            }
        }
        newest = unpacked
        return runs
    }

    func record(_ events: [(id: RunID, event: LifecycleEvent)]) async throws(LedgerError) {
        guard !events.isEmpty else { return }
        let now = clock.now()
        let log = logger
        try await write { transaction in
            let recorder = RunRecorder(transaction: transaction, now: now)
            for (id, event) in events {
                do {
                    try recorder.handle(event, run: id)
                } catch let error as InvalidTransition {
                    log.error("an event does not fit", metadata: ["run": "\(id)", "error": "\(error)"])
                }
            }
        }
    }

    func evidence(_ question: EvidenceQuestion) async throws(LedgerError) -> Evidence {
        let run = question.run, number = question.attempt.number
        if question.readsProgress { try await readProgress(run) }
        let (row, saved) = try await read { snapshot in
            (try snapshot.attempt(run.id.rawValue, number), try snapshot.run(run.id)?.committedStep)
        }
        return files.read(
            run.id, run.folder, attempt: question.attempt, incarnations: question.incarnations,
            ended: question.ended, job: run.lifecycle.job?.id, adopted: run.lifecycle.adopted,
            exitCodes: row?.exitCodes ?? [:], progress: saved, isPreemptible: question.isPreemptible,
            now: clock.now())
    }

    func tell(_ message: String, about run: TrackedRun) async throws(LedgerError) {
        let now = clock.now()
        try await write { transaction in
            guard var record = try transaction.snapshot.run(run.id) else { return }
            record.lastError = message
            try transaction.update(record)
            try RunRecorder(transaction: transaction, now: now).note("refused", message, run: record.id)
        }
    }

    func note(_ kind: String, _ message: String, about run: TrackedRun) async throws(LedgerError) {
        let now = clock.now()
        try await write { transaction in
            guard try transaction.snapshot.run(run.id) != nil else { return }
            try RunRecorder(transaction: transaction, now: now).note(kind, message, run: run.id.rawValue)
        }
    }

    func over(_ keys: [AttemptKey]) async throws(LedgerError) -> [AttemptKey: RunID] {
        try await read { snapshot in
            var result: [AttemptKey: RunID] = [:]
            for key in keys {
                guard let attempt = try snapshot.attempt(key: key.rawValue), let id = RunID(rawValue: attempt.run),
                    let record = try snapshot.run(id)
                else { continue }
                let lifecycle = try WatchedRun(record).lifecycle
                // What somebody wrote by hand is theirs again once its attempt is over.
                guard lifecycle.attempt?.key != key, lifecycle.adopted == nil else { continue }
                result[key] = id
            }
            return result
        }
    }

    func askToStop(_ run: TrackedRun, _ key: AttemptKey) async {
        do {
            if !FileManager.default.fileExists(atPath: run.folder.stopRequest) {
                try DurableFile.write(Data(key.rawValue.utf8), to: run.folder.stopRequest)
            }
        } catch {
            logger.warning("cannot write the stop request", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
    }

    func readProgress(_ run: TrackedRun) async throws(LedgerError) {
        guard reading.insert(run.id).inserted else { return }
        defer { reading.remove(run.id) }
        let id = run.id.rawValue
        let offsets = try await read { snapshot in try snapshot.eventFiles(id) }
        let tail = run.lifecycle.adopted.map { job in
            AdoptedEvidence(run.folder, job).progress(
                incarnation: run.lifecycle.job?.incarnation.number ?? job.incarnation,
                attempt: run.lifecycle.lastAttempt, after: offsets)
        } ?? EventTail.read(folder: run.folder.events, after: offsets)
        guard !tail.offsets.isEmpty else { return }
        let now = clock.now()
        try await write { transaction in
            guard var record = try transaction.snapshot.run(run.id) else { return }
            let isForeign = try transaction.snapshot.isForeign(record.id)
            let recorder = ProgressRecorder(recorder: RunRecorder(transaction: transaction, now: now))
            try recorder.apply(tail, to: &record, isForeign: isForeign)
        }
    }

    // MARK: - The store

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (StoreSnapshot) throws -> Value
    ) async throws(LedgerError) -> Value {
        do {
            return try await store.read(body)
        } catch {
            throw LedgerError(error)
        }
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (StoreTransaction) throws -> Value
    ) async throws(LedgerError) -> Value {
        do {
            try Failpoints.pass(.storeBegins)
            let value = try await store.write(body)
            try Failpoints.pass(.storeCommitted)
            return value
        } catch {
            throw LedgerError(error)
        }
    }
}

extension StoreSnapshot {
    /// True for `task: command`, whose program knows nothing of Molt's checkpoints.
    func isForeign(_ run: String) throws -> Bool {
        guard let frozen = try frozen(run) else { return false }
        return FrozenRecipe.isForeign(frozen.recipe)
    }
}
