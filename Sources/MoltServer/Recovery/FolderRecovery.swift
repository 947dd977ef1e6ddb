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
    private let isHomeNew: Bool
    private let sites: [Site]
    private let paths: DaemonPaths
    private let logger: Logger

    /// - Parameter isHomeNew: no daemon has been here before, so that no run folder can be ours.
    package init(
        store: Store, restoration: StoreRestoration?, isHomeNew: Bool, sites: [Site], paths: DaemonPaths,
        logger: Logger
    ) {
        self.store = store
        self.restoration = restoration
        self.isHomeNew = isHomeNew
        self.sites = sites
        self.paths = paths
        self.logger = logger
    }

    /// Returns the ids of the runs of which something new was found. As long as it throws, the restoration is not over,
    /// and the next start tries again.
    @discardableResult
    package func run(at now: Double) async throws -> [String] {
        let isRestored = restoration != nil
        let (rows, ids) = try await store.read { snapshot in
            let rows = try isRestored ? snapshot.runs(states: [], name: nil, limit: .max) : snapshot.watched()
            return (rows, try snapshot.runIDs())
        }
        if isRestored { try checkFolders(of: rows.filter(\.isWatched)) }
        let changes = rows.compactMap { change(of: $0, at: now) }
        let strangers = isRestored || (ids.isEmpty && !isHomeNew) ? unknown(besides: ids, at: now) : []
        let notes = restoration.map { told in rows.filter(\.isWatched).map { ($0.id, note(told, at: now)) } } ?? []
        var found = changes.filter { !$0.isDoubtful }.map(\.run.record.id)
        if !changes.isEmpty || !strangers.isEmpty || !notes.isEmpty {
            found += try await store.write { transaction in
                let recorder = RunRecorder(transaction: transaction, now: now)
                for (run, text) in notes { try recorder.note("restored", text, run: run) }
                for change in changes { try change.store(recorder) }
                let sent = strangers.filter(\.wasSent), rest = strangers.filter { !$0.wasSent }
                return try (sent + rest).filter { try $0.store(recorder) }.map(\.run.record.id)
            }
        }
        try restoration?.settle(path: paths.database)
        if !found.isEmpty {
            logger.warning("run folders knew more than the database", metadata: ["runs": "\(found.count)"])
        }
        return found
    }

    /// A shared file system that is not mounted yet looks like runs that are gone.
    private func checkFolders(of rows: [RunRecord]) throws(UserError) {
        let parents = Set(rows.compactMap { row in row.folder.lastIndex(of: "/").map { String(row.folder[..<$0]) } })
        for runs in parents.sorted() {
            do throws(FileError) {
                guard access(runs, F_OK) == 0 else { throw FileError("find", runs) }
                _ = try FoundRun.names(in: runs)
            } catch {
                throw UserError(
                    "the database was restored from a copy, and what has happened since lies in the run folders, "
                        + "which cannot be read: \(error)", at: runs,
                    fix: "see that its file system is mounted, then try again; if the folders are gone for good, "
                        + "make this one empty")
            }
        }
    }

    private func note(_ told: StoreRestoration, at now: Double) -> String {
        "the database was damaged (\(told.damage)); its copy of \(Durations.text(max(0, now - told.takenAt))) ago took "
            + "its place: what was asked of this run since then must be asked again"
    }

    private func change(of row: RunRecord, at now: Double) -> FoundChange? {
        guard var run = try? WatchedRun(row) else { return nil }
        let found: FoundRun?
        do throws(FileError) {
            found = try FoundRun(run.folder, id: run.id, daemonFile: paths.daemonFile)
        } catch {
            logger.error("a run folder cannot be read", metadata: ["run": "\(row.id)", "error": "\(error)"])
            guard restoration != nil, row.isWatched else { return nil }
            return lost(&run, "the database was restored from an older copy, and the run folder is damaged: \(error)")
        }
        guard let found else {
            guard restoration != nil, row.isWatched, access(run.folder.path, F_OK) != 0, errno == ENOENT else {
                return nil
            }
            return lost(&run, "its run folder is gone, and the database was restored from an older copy")
        }
        let wasAskedToStop = found.wasAskedToStop
        if let next = run.lifecycle.recovered(
            found.newest, isRestored: restoration != nil, wasAskedToStop: wasAskedToStop, at: now)
        {
            run.lifecycle = next
            return FoundChange(run: run, kind: .newer(found))
        }
        guard restoration != nil, row.isWatched, run.lifecycle.doubt(wasAskedToStop: wasAskedToStop) else { return nil }
        return FoundChange(run: run, kind: .doubtful)
    }

    /// Without its folder a run cannot start; one whose job may live is watched.
    private func lost(_ run: inout WatchedRun, _ reason: String) -> FoundChange {
        run.lifecycle.loseFolder(reason)
        return FoundChange(run: run, kind: .lost(reason))
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
    enum Kind: Sendable {
        case newer(FoundRun)
        /// The folder knows no more, but what was asked of the run since the copy is lost.
        case doubtful
        case lost(String)
    }

    var run: WatchedRun
    var kind: Kind

    var isDoubtful: Bool {
        if case .doubtful = kind { true } else { false }
    }

    func store(_ recorder: RunRecorder) throws {
        var run = run
        let id = run.record.id
        switch kind {
        case .newer(let found):
            try found.storeAttempts(recorder)
            try recorder.leaveForCatchUp(id)
            try recorder.note(
                "recovered", "its folder shows attempt \(found.plan.attempt), of which the database knew less; its job "
                    + "is looked up by its key", run: id, attempt: found.plan.attempt)
        case .doubtful: try recorder.leaveForCatchUp(id)
        case .lost(let reason):
            run.record.lastError = reason
            try recorder.tell(.stuck, reason, run: id)
        }
        try recorder.save(&run)
    }
}

extension RunRecorder {
    /// What the run's folder tells of it is read once the daemon serves.
    func leaveForCatchUp(_ run: String) throws {
        try transaction.save(EventFileRecord(run: run, name: EventTail.behind, offset: 0))
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
