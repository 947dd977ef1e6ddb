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
    /// The runs as they were last read.
    private var list = WatchedList()
    /// The codes that the newest attempt of a run has in place of ours; they are settled when it is sent.
    var exitCodes: [RunID: (attempt: Int, codes: [Int32: Int32])] = [:]
    /// How far the event files of a run have been read, as the store has it.
    var offsets: [RunID: [String: Int]] = [:]
    /// Runs whose event files are being read just now.
    private(set) var reading: Set<RunID> = []

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
        let name = site.name, mark = list.mark, changes = store.changes
        let (news, rows) = try await read { snapshot in
            let news = changes.since(mark)
            guard let runs = news.runs else { return (news, try snapshot.watched(site: name)) }
            return (news, try snapshot.watched(site: name, among: runs))
        }
        list.take(rows, changed: news.runs, mark: news.mark) { row, error in
            logger.error("cannot read a run's state", metadata: ["run": "\(row.id)", "error": "\(error)"])
        }
        if max(exitCodes.count, offsets.count) > 2 * list.tracked.count + Limits.progressRuns { forgetOthers() }
        return list.tracked
    }

    /// What is remembered of runs that are over.
    private func forgetOthers() {
        exitCodes = exitCodes.filter { list[$0.key.rawValue] != nil }
        offsets = offsets.filter { list[$0.key.rawValue] != nil }
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
        if question.readsProgress { try await readProgress([run]) }
        let saved: Int?
        if !question.readsProgress, let known = list[run.id.rawValue] {
            saved = known.record.committedStep
        } else {
            saved = try await read { snapshot in try snapshot.run(run.id)?.committedStep }
        }
        let codes = try await self.codes(of: run.id, number)
        return files.read(
            run.id, run.folder, attempt: question.attempt, incarnations: question.incarnations,
            ended: question.ended, job: run.lifecycle.job?.id, adopted: run.lifecycle.adopted,
            exitCodes: codes, progress: saved, isPreemptible: question.isPreemptible,
            isSuspended: question.isSuspended, now: clock.now())
    }

    private func codes(of run: RunID, _ attempt: Int) async throws(LedgerError) -> [Int32: Int32] {
        if let known = exitCodes[run], known.attempt == attempt { return known.codes }
        let codes = try await read { snapshot in try snapshot.attempt(run.rawValue, attempt)?.exitCodes ?? [:] }
        exitCodes[run] = (attempt, codes)
        return codes
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

    func attempts(named digits: [String]) async throws(LedgerError) -> [AttemptKey] {
        try await read { snapshot in
            try digits.flatMap { try snapshot.attempts(keyPrefix: $0) }.compactMap { AttemptKey(rawValue: $0.key) }
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

    /// What it holds is only compared with what it held before: the job asks the scheduler itself.
    func tellLimit(_ seconds: Double, to run: TrackedRun, _ attempt: RunLifecycle.Attempt) async {
        let path = run.folder.limitChange(attempt: attempt.number)
        do {
            let text = "\(Int(bounded: seconds)) seconds, seen at \(Int(bounded: clock.now()))\n"
            try DurableFile.write(Data(text.utf8), to: path)
        } catch {
            logger.warning("cannot tell the new limit", metadata: ["run": "\(run.id)", "error": "\(error)"])
        }
    }

    /// Of many runs at a time, so that a thousand of them cost a few transactions and not a thousand.
    func readProgress(of runs: [TrackedRun]) async throws(LedgerError) {
        var rest = runs[...]
        while !rest.isEmpty {
            try await readProgress(Array(rest.prefix(Limits.progressRuns)))
            try await pass(.progressRead)
            rest = rest.dropFirst(Limits.progressRuns)
        }
    }

    func readProgress(_ run: TrackedRun) async throws(LedgerError) { try await readProgress([run]) }

    /// Returns false when there was nothing new.
    @discardableResult
    func readProgress(
        _ runs: [TrackedRun], bytes: Int = Limits.eventBytesAtOnce
    ) async throws(LedgerError) -> Bool {
        for run in runs { files.glance(at: run.id, now: clock.now()) }
        let runs = runs.filter { reading.insert($0.id).inserted }
        defer { for run in runs { reading.remove(run.id) } }
        let unknown = runs.map(\.id).filter { offsets[$0] == nil }
        if !unknown.isEmpty {
            let found = try await read { snapshot in try unknown.map { try snapshot.eventFiles($0.rawValue) } }
            for (id, files) in zip(unknown, found) { offsets[id] = files }
        }
        // Steps belong to starts.
        for run in runs where offsets[run.id]?[EventTail.behind] == 0 { try await tellHistory(of: run) }
        let tails = runs.map { ($0.id, tail(of: $0, after: offsets[$0.id] ?? [:], bytes: bytes)) }
            .filter { !$0.1.offsets.isEmpty }
        guard !tails.isEmpty else { return false }
        // Whatever becomes of the transaction, the store tells.
        for (id, _) in tails { offsets[id] = nil }
        let now = clock.now()
        try await write { transaction in
            let recorder = ProgressRecorder(recorder: RunRecorder(transaction: transaction, now: now))
            for (id, tail) in tails {
                guard var record = try transaction.snapshot.run(id) else { continue }
                let commits = try transaction.snapshot.stepsAreCommitted(record.id)
                try recorder.apply(tail, to: &record, stepsAreCommitted: commits)
            }
        }
        return true
    }

    private func tail(of run: TrackedRun, after offsets: [String: Int], bytes: Int) -> EventTail {
        guard let job = run.lifecycle.adopted else {
            return EventTail.read(folder: run.folder.events, after: offsets, bytes: bytes)
        }
        return AdoptedEvidence(run.folder, job).progress(
            incarnation: run.lifecycle.job?.incarnation.number ?? job.incarnation,
            attempt: run.lifecycle.lastAttempt, after: offsets)
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
    /// True for what knows nothing of Molt's checkpoints: a step that it told of is done for good.
    func stepsAreCommitted(_ run: String) throws -> Bool {
        guard let frozen = try frozen(run) else { return false }
        return FrozenRecipe.stepsAreCommitted(frozen.recipe)
    }
}
