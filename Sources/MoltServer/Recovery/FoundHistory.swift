import FoundationEssentials
import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

/// The starts of a run as its folder tells them: claims, receipts, and what the ranks left. When the scheduler began
/// to set a job up, and what it did to one, is told nowhere.
struct FoundHistory: Sendable {
    private struct Start: Sendable {
        var row: IncarnationRecord
        var jobID: UInt32
        /// Nil for one that may not be over.
        var cause: Cause?
    }

    private let id: String
    private let attempts: [AttemptRecord]
    /// In the order of their epochs.
    private let starts: [Start]

    /// - Parameter attempts: those whose claims and receipts count.
    init(_ run: TrackedRun, attempts: [AttemptRecord]) {
        id = run.id.rawValue
        self.attempts = attempts
        let numbers = Dictionary(attempts.map { ($0.key, $0.number) }) { $1 }
        let claims = Self.claims(in: run.folder).filter { numbers[$0.key.rawValue] != nil && $0.incarnation >= 0 }
        let isOver = run.lifecycle.word.isFinal
        starts = claims.enumerated().map { index, claim in
            let later = claims[(index + 1)...]
            return Self.start(
                claim, of: run, attempt: numbers[claim.key.rawValue] ?? claim.attempt, next: later.first,
                wasRequeued: later.contains { $0.key == claim.key }, mayLive: later.isEmpty && !isOver,
                readsLogs: later.count < Limits.foundRemains)
        }
    }

    private static func claims(in folder: RunFolder) -> [Claim] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.epochs)) ?? []
        return names.compactMap { Int($0) }.sorted().suffix(Limits.foundStarts).compactMap { epoch in
            guard let data = try? DurableFile.read(folder.claim(epoch: epoch), limit: Limits.claimBytes) else {
                return nil
            }
            return try? BoundedJSON().decode(Claim.self, from: data)
        }
    }

    private static func start(
        _ claim: Claim, of run: TrackedRun, attempt: Int, next: Claim?, wasRequeued: Bool, mayLive: Bool,
        readsLogs: Bool
    ) -> Start {
        let folder = run.folder, number = claim.incarnation
        let receipt = try? JSONFile.read(Receipt.self, from: folder.receipt(key: claim.key, incarnation: number))
        let remains = readsLogs
            ? RemainsReader.read(
                folder, attempt: attempt, incarnation: number, job: claim.jobID, epoch: claim.epoch, receipt: receipt)
            : Remains()
        var row = IncarnationRecord(run: run.id.rawValue, attempt: attempt, number: number)
        row.epoch = claim.epoch
        for node in [claim.host] + remains.workerEnds.map(\.host) where !row.nodes.contains(node) {
            row.nodes.append(node)
        }
        let startedAt = min(claim.claimedAt, receipt?.startedAt ?? claim.claimedAt)
        row.startedAt = startedAt
        row.endedAt = receipt?.endedAt
        guard !mayLive else { return Start(row: row, jobID: claim.jobID) }
        if row.endedAt == nil {
            let said = lastWord(folder, attempt, claim) ?? startedAt
            row.endedAt = max(startedAt, min(said, next?.claimedAt ?? said))
        }
        var end = IncarnationEnd(ending: wasRequeued ? .requeued : .vanished, receipt: receipt, wasClaimed: true)
        end.firstToFail = remains.firstToFail
        end.scriptEnd = remains.scriptEnd
        end.finding = Finding.of(remains.tails, firstRank: receipt?.failedRank ?? remains.firstToFail?.rank)
        // Without the scheduler a failed node is known by its log alone.
        let isGuess = end.cause == .nodeFailed && end.finding?.cause != .nodeFailed
        let cause: Cause = isGuess ? .requeued : end.cause
        row.outcome = cause.rawValue
        row.reason = end.words(phase: remains.phase)
        return Start(row: row, jobID: claim.jobID, cause: cause)
    }

    /// When something of it was last written.
    private static func lastWord(_ folder: RunFolder, _ attempt: Int, _ claim: Claim) -> Double? {
        let paths = [
            folder.events(epoch: claim.epoch, writer: .rank(0)), folder.events(epoch: claim.epoch, writer: .job),
            folder.jobLog(attempt: attempt, incarnation: claim.incarnation),
            folder.rankLog(attempt: attempt, incarnation: claim.incarnation, rank: 0),
        ]
        return paths.compactMap { path -> Double? in
            var status = stat()
            return lstat(path, &status) == 0 ? Double(status.st_mtim.tv_sec) : nil
        }.max()
    }

    // MARK: - Into the store

    /// What the store knows better stays.
    func store(_ recorder: RunRecorder) throws {
        let transaction = recorder.transaction
        guard !starts.isEmpty, let runID = RunID(rawValue: id), var record = try transaction.snapshot.run(runID) else {
            return
        }
        for start in starts { try store(start, recorder) }
        for attempt in attempts { try storeEnd(of: attempt, transaction) }
        let known = try transaction.snapshot.incarnations(id)
        record.incarnations = max(record.incarnations, known.count)
        record.startedAt = known.compactMap(\.startedAt).min() ?? record.startedAt
        if record.state.isFinal, let endedAt = known.compactMap(\.endedAt).max() { record.finishedAt = endedAt }
        try transaction.update(record)
    }

    private func store(_ start: Start, _ recorder: RunRecorder) throws {
        let transaction = recorder.transaction
        var row = start.row
        let known = try transaction.snapshot.incarnation(id, row.attempt, row.number)
        guard known == nil || known?.outcome == nil && row.outcome != nil else { return }
        if let known {
            if !known.nodes.isEmpty { row.nodes = known.nodes }
            row.startedAt = known.startedAt ?? row.startedAt
            (row.firstStep, row.lastStep) = (known.firstStep, known.lastStep)
        }
        try transaction.save(row)
        if known == nil {
            let place = DisplayText.escaped(row.nodes.joined(separator: " "), limit: 200)
            try RunRecorder(transaction: transaction, now: row.startedAt ?? recorder.now).note(
                row.number == 0 ? "started" : "restarted", "attempt \(row.attempt) started on \(place)", run: id,
                attempt: row.attempt, incarnation: row.number)
        }
        guard let cause = start.cause else { return }
        let reason = row.reason ?? ""
        try RunRecorder(transaction: transaction, now: row.endedAt ?? recorder.now).note(
            cause == .done ? "done" : cause.rawValue, reason.isEmpty ? cause.rawValue : reason, run: id,
            attempt: row.attempt, incarnation: row.number)
    }

    private func storeEnd(of attempt: AttemptRecord, _ transaction: StoreTransaction) throws {
        let own = starts.filter { $0.row.attempt == attempt.number }
        guard let first = own.first, let last = own.last, last.cause != nil, attempt.outcome == nil else { return }
        var row = attempt
        row.state = "ended"
        row.jobID = attempt.jobID ?? last.jobID
        row.openedAt = min(attempt.openedAt, first.row.startedAt ?? attempt.openedAt)
        row.outcome = last.row.outcome
        row.reason = last.row.reason
        row.endedAt = last.row.endedAt
        try transaction.save(row)
    }
}
