import FoundationEssentials
package import Logging
import MoltCore
import MoltLifecycle
package import MoltRecipe
import MoltReconcile
package import MoltStore

#if canImport(Glibc)
import Glibc
#endif

/// What the run folders know and the store does not: attempts and whole runs that are newer than the copy from which it
/// was restored, or all of them when there was none. Nothing is sent before its launch plan lies in its folder, so what
/// is looked up by the keys found there is never sent a second time.
///
/// It goes before everything else that a daemon does.
package struct FolderRecovery: Sendable {
    private let store: Store
    private let restoration: StoreRestoration?
    private let sites: [Site]
    private let paths: DaemonPaths
    private let logger: Logger

    package init(
        store: Store, restoration: StoreRestoration?, sites: [Site], paths: DaemonPaths, logger: Logger
    ) {
        self.store = store
        self.restoration = restoration
        self.sites = sites
        self.paths = paths
        self.logger = logger
    }

    /// Returns the ids of the runs of which something new was found.
    @discardableResult
    package func run(at now: Double) async throws(StoreError) -> [String] {
        let isRestored = restoration != nil
        let (rows, ids) = try await store.read { snapshot in
            let rows = try isRestored ? snapshot.runs(states: [], name: nil, limit: .max) : snapshot.watched()
            return (rows, try snapshot.runIDs())
        }
        let changes = rows.compactMap { change(of: $0, at: now) }
        let strangers = isRestored || ids.isEmpty ? unknown(besides: ids, at: now) : []
        let notes = restoration.map { told in rows.filter(\.isWatched).map { ($0.id, note(told, at: now)) } } ?? []
        guard !changes.isEmpty || !strangers.isEmpty || !notes.isEmpty else { return [] }
        try await store.write { transaction in
            let recorder = RunRecorder(transaction: transaction, now: now)
            for (run, text) in notes { try recorder.note("restored", text, run: run) }
            for change in changes { try change.store(recorder) }
            for stranger in strangers { try stranger.store(recorder) }
        }
        let found = changes.map(\.run.record.id) + strangers.map(\.run.record.id)
        if !found.isEmpty {
            logger.warning("run folders knew more than the database", metadata: ["runs": "\(found.count)"])
        }
        return found
    }

    private func note(_ told: StoreRestoration, at now: Double) -> String {
        "the database was damaged (\(told.damage)); its copy of \(Durations.text(max(0, now - told.takenAt))) ago took "
            + "its place: what was asked of this run since then must be asked again"
    }

    private func change(of row: RunRecord, at now: Double) -> FoundChange? {
        guard var run = try? WatchedRun(row) else { return nil }
        guard let found = FoundRun(run.folder, id: run.id, daemonFile: paths.daemonFile) else {
            let runs = run.folder.path.lastIndex(of: "/").map { String(run.folder.path[..<$0]) } ?? "/"
            let files = FileManager.default
            guard restoration != nil, row.isWatched, files.fileExists(atPath: runs),
                !files.fileExists(atPath: run.folder.path)
            else { return nil }
            run.lifecycle.loseFolder("its run folder is gone, and the database was restored from an older copy")
            return FoundChange(run: run, found: nil)
        }
        guard let next = run.lifecycle.recovered(found.newest, isRestored: restoration != nil, at: now) else {
            return nil
        }
        run.lifecycle = next
        return FoundChange(run: run, found: found)
    }

    private func unknown(besides known: Set<String>, at now: Double) -> [FoundStranger] {
        var seen: Set<String> = known
        return sites.flatMap { site -> [FoundStranger] in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: site.runs)) ?? []
            return names.compactMap { name in
                guard let id = RunID(rawValue: name), seen.insert(name).inserted else { return nil }
                let folder = RunFolder(runs: site.runs, id: id)
                do {
                    return try FoundStranger(
                        folder, id: id, site: site, daemonFile: paths.daemonFile, since: restoration?.takenAt, at: now)
                } catch {
                    logger.error(
                        "a run folder cannot be read", metadata: ["folder": "\(folder.path)", "error": "\(error)"])
                    return nil
                }
            }
        }
    }
}

/// A run whose state follows from its folder.
struct FoundChange: Sendable {
    var run: WatchedRun
    var found: FoundRun?

    func store(_ recorder: RunRecorder) throws {
        var run = run
        if let found {
            try found.storeAttempts(recorder)
            try recorder.note(
                "recovered", "its folder shows attempt \(found.plan.attempt), of which the database knew less; its job "
                    + "is looked up by its key", run: run.record.id, attempt: found.plan.attempt)
        }
        try recorder.save(&run)
    }
}

extension FoundRun {
    /// Earlier attempts are over once there is a later one.
    func storeAttempts(_ recorder: RunRecorder) throws {
        let id = plan.run.rawValue
        let known = try recorder.transaction.snapshot.attempts(id)
        for attempt in attempts {
            let old = known.first { $0.number == attempt.number }
            var row = old ?? AttemptRecord(run: id, number: attempt.number, key: attempt.key, openedAt: recorder.now)
            row.key = attempt.key.rawValue
            if attempt.number < plan.attempt, row.endedAt == nil {
                row.state = "ended"
                row.reason = "the database was restored from an older copy"
                row.endedAt = recorder.now
            }
            if attempt.number == plan.attempt {
                row.prefix = plan.prefix
                row.exitCodes = plan.exitCodes.isEmpty ? nil : plan.exitCodes
            }
            try recorder.transaction.save(row)
        }
    }
}
