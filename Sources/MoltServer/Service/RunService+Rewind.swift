import MoltAPI
import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltStore
import Synchronization

/// Going on from an earlier checkpoint: newer ones are set aside, so that it is the newest; nothing is deleted.
///
/// The checkpoint is read before anything else happens. The wish is in the store before the first of the others moves,
/// and goes with the transaction that lets the run go on; a daemon that finds one at its start carries it out.
extension RunService {
    func goBack(_ reference: String, to step: Int) async throws(APIError) -> RunRecord {
        let run = try await read { snapshot in try self.find(reference, in: snapshot) }
        try Self.checkMayGoBack(run)
        guard rewinding.withLock({ $0.insert(run.id).inserted }) else {
            throw APIError(.conflict, "run \(run.id) is just being taken back to an earlier step")
        }
        defer { rewinding.withLock { _ = $0.remove(run.id) } }
        try await undoUnfinished(run)
        let folder = CheckpointFolder(path: RunFolder(path: run.folder).checkpoints)
        let target = try Self.target(step, of: run, in: folder)
        do throws(CheckpointProblem) {
            try await checkpoints.verify(target, in: folder)
        } catch {
            throw APIError(
                .invalid, "the checkpoint of step \(step) is damaged: \(error)", at: folder.folder(of: target),
                fix: "nothing was changed; molt show \(run.id) lists the others")
        }
        // What has begun is carried through, also when nobody waits for the answer any more.
        return try await Task { () async -> Result<RunRecord, APIError> in
            do throws(APIError) {
                return .success(try await self.carryOut(run, target, folder))
            } catch {
                return .failure(error)
            }
        }.value.get()
    }

    /// Carries out what an earlier daemon could not finish.
    ///
    /// - Returns: what could not be done now either; the next start tries again.
    package func finishRewinds() async -> [String] {
        var problems: [String] = []
        do throws(APIError) {
            for rewind in try await read({ snapshot in try snapshot.rewinds() }) {
                do throws(APIError) { try await finish(rewind) } catch {
                    problems.append("run \(rewind.run) cannot be taken back to step \(rewind.step): \(error.what)")
                }
            }
        } catch {
            problems.append("it is not known which runs were to go back to an earlier step: \(error.what)")
        }
        return problems
    }

    /// Until it is over nothing else may start the run or delete its checkpoints.
    static func checkNotGoingBack(_ run: RunRecord, in snapshot: StoreSnapshot) throws {
        guard let rewind = try snapshot.rewind(run.id) else { return }
        throw APIError(
            .conflict, "run \(run.id) is being taken back to step \(rewind.step)",
            fix: "if that does not end, ask again: molt resume \(run.id) --from \(rewind.step)")
    }

    private static func checkMayGoBack(_ run: RunRecord) throws(APIError) {
        guard mayGoBack(run) else {
            throw APIError(
                .conflict, "run \(run.id) is \(run.state.rawValue)", fix: "stop it first, then resume it from a step")
        }
    }

    private static func mayGoBack(_ run: RunRecord) -> Bool {
        switch run.state {
        case .paused, .stuck, .failed, .cancelled: true
        case .queued, .pending, .starting, .running, .restarting, .stopping, .held, .cancelling, .finished: false
        }
    }

    private static func target(
        _ step: Int, of run: RunRecord, in folder: CheckpointFolder
    ) throws(APIError) -> CheckpointName {
        let names = try names(in: folder)
        if let target = names.last(where: { $0.step == step }) { return target }
        let steps = Set(names.map(\.step)).sorted().suffix(8).map(String.init).joined(separator: ", ")
        throw APIError(
            .invalid, "run \(run.id) has no checkpoint of step \(step)", at: folder.path,
            fix: steps.isEmpty ? "it has none" : "it has: \(steps)")
    }

    private static func names(in folder: CheckpointFolder) throws(APIError) -> [CheckpointName] {
        do throws(FileError) { return try folder.names() } catch {
            throw APIError(.unavailable, "the checkpoints cannot be listed: \(error)", at: folder.path)
        }
    }

    private func carryOut(
        _ run: RunRecord, _ target: CheckpointName, _ folder: CheckpointFolder
    ) async throws(APIError) -> RunRecord {
        let now = clock.now()
        let newer = try Self.names(in: folder).filter { $0 > target }
        let rewind = RewindRecord(
            run: run.id, epoch: target.epoch, step: target.step,
            moves: SetAside.moves(newer, among: (try? folder.entries()) ?? []), askedAt: now)
        try await write { transaction in
            // Somebody may have let it go since.
            try Self.checkMayGoBack(self.find(run.id, in: transaction.snapshot))
            try transaction.save(rewind)
        }
        do throws(APIError) {
            return try await complete(rewind, folder)
        } catch {
            do throws(APIError) { try await undo(rewind, folder) } catch let second {
                throw APIError(
                    .unavailable, "\(error.what); newer checkpoints are still set aside: \(second.what)",
                    at: folder.path, fix: "once that is mended: molt resume \(run.id) --from \(target.step)")
            }
            throw error
        }
    }

    private func complete(_ rewind: RewindRecord, _ folder: CheckpointFolder) async throws(APIError) -> RunRecord {
        let now = clock.now(), target = CheckpointName(step: rewind.step, epoch: rewind.epoch)
        do throws(FileError) { try SetAside.carryOut(rewind.moves, in: folder.path) } catch {
            throw APIError(.unavailable, "cannot set newer checkpoints aside: \(error)", at: folder.path)
        }
        return try await write { transaction in
            guard let id = RunID(rawValue: rewind.run), var record = try transaction.snapshot.run(id) else {
                throw APIError(.notFound, "run \(rewind.run) is gone")
            }
            record.committedStep = target.step
            record.step = target.step
            try transaction.update(record)
            for name in rewind.moves.compactMap({ CheckpointName(parsing: $0.from) }) {
                try transaction.deleteCheckpoint(run: record.id, epoch: name.epoch, step: name.step)
            }
            let recorder = RunRecorder(transaction: transaction, now: now)
            try recorder.note("rewound", "goes on from \(target)", run: record.id)
            try transaction.deleteRewind(record.id)
            guard var resumed = try recorder.handle(.resumeAsked(at: now, fromStep: target.step), run: id) else {
                return record
            }
            // What went wrong before is history now.
            resumed.record.lastError = nil
            try transaction.update(resumed.record)
            return resumed.record
        }
    }

    private func undo(_ rewind: RewindRecord, _ folder: CheckpointFolder) async throws(APIError) {
        do throws(FileError) { try SetAside.takeBack(rewind.moves, in: folder.path) } catch {
            throw APIError(.unavailable, "cannot take back what was set aside: \(error)", at: folder.path)
        }
        try await write { transaction in try transaction.deleteRewind(rewind.run) }
    }

    /// A wish that could not be carried out makes room for the new one.
    private func undoUnfinished(_ run: RunRecord) async throws(APIError) {
        guard let old = try await read({ snapshot in try snapshot.rewind(run.id) }) else { return }
        try await undo(old, CheckpointFolder(path: RunFolder(path: run.folder).checkpoints))
    }

    private func finish(_ rewind: RewindRecord) async throws(APIError) {
        let found = try await read { snapshot in try RunID(rawValue: rewind.run).flatMap(snapshot.run) }
        guard let run = found, Self.mayGoBack(run) else {
            // Restored from an older copy of the database: it went on long ago.
            return try await write { transaction in try transaction.deleteRewind(rewind.run) }
        }
        let folder = CheckpointFolder(path: RunFolder(path: run.folder).checkpoints)
        do throws(CheckpointProblem) {
            _ = try folder.verify(CheckpointName(step: rewind.step, epoch: rewind.epoch), contents: false)
        } catch {
            try await undo(rewind, folder)
            throw APIError(.conflict, "\(error); newer checkpoints have their names back")
        }
        _ = try await complete(rewind, folder)
    }
}
