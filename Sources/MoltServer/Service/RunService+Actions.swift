import FoundationEssentials
package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltStore

extension RunService {
    /// Records what is wanted and wakes the loop; the answer is the run as it is now.
    package func act(
        _ action: RunAction, on reference: String, _ request: ActionRequest
    ) async throws(APIError) -> RunSummary {
        let now = clock.now()
        let event: LifecycleEvent =
            switch action {
            case .cancel: .cancelAsked
            case .stop: .stopAsked
            case .resume: .resumeAsked(at: now, fromStep: request.fromStep)
            case .hold: .holdAsked
            case .release: .releaseAsked(at: now)
            }
        if let step = request.fromStep {
            guard action == .resume else { throw APIError(.invalid, "only resume takes a step to start from") }
            try await rewind(reference, to: step)
        }
        let record = try await write { transaction in
            let run = try self.find(reference, in: transaction.snapshot)
            guard let id = RunID(rawValue: run.id) else { throw APIError(.internalError, "run \(run.id) has no id") }
            let recorder = RunRecorder(transaction: transaction, now: now)
            let after = try recorder.handle(event, run: id)
            if var resumed = after, action == .resume {
                // What went wrong before is history now.
                resumed.record.lastError = nil
                try transaction.update(resumed.record)
                return resumed.record
            }
            return after?.record ?? run
        }
        do {
            try Failpoints.pass(.wishRecorded)
        } catch {
            throw Self.apiError(error)
        }
        if let reconciler = try? await sites.reconciler(record.site) { await reconciler.hurry() }
        await bell.ring()
        return await summary(record)
    }

    /// Sets newer checkpoints aside, so that the one of `step` is the newest; nothing is deleted.
    private func rewind(_ reference: String, to step: Int) async throws(APIError) {
        let run = try await read { snapshot in try self.find(reference, in: snapshot) }
        switch run.state {
        case .paused, .stuck, .failed, .cancelled: break
        case .queued, .pending, .starting, .running, .restarting, .stopping, .held, .cancelling, .finished:
            throw APIError(
                .conflict, "run \(run.id) is \(run.state.rawValue)", fix: "stop it first, then resume it from a step")
        }
        let folder = RunFolder(path: run.folder)
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.checkpoints)) ?? [])
            .compactMap(CheckpointName.init(parsing:)).sorted()
        guard let target = names.last(where: { $0.step == step }) else {
            let steps = Set(names.map(\.step)).sorted().suffix(8).map(String.init).joined(separator: ", ")
            throw APIError(
                .invalid, "run \(run.id) has no checkpoint of step \(step)", at: folder.checkpoints,
                fix: steps.isEmpty ? "it has none" : "it has: \(steps)")
        }
        for name in names where name > target {
            let from = "\(folder.checkpoints)/\(name)", aside = "\(folder.checkpoints)/.aside-\(name)"
            do {
                try FileManager.default.moveItem(atPath: from, toPath: aside)
            } catch {
                throw APIError(.unavailable, "cannot set \(name) aside: \(error)", at: folder.checkpoints)
            }
        }
        let now = clock.now()
        try await write { transaction in
            guard let id = RunID(rawValue: run.id), var record = try transaction.snapshot.run(id) else { return }
            record.committedStep = step
            record.step = step
            try transaction.update(record)
            for name in names where name > target {
                try transaction.deleteCheckpoint(run: run.id, epoch: name.epoch, step: name.step)
            }
            try RunRecorder(transaction: transaction, now: now).note("rewound", "goes on from \(target)", run: run.id)
        }
    }

    /// Removes a run that is over, with its folder.
    package func remove(_ reference: String) async throws(APIError) {
        let run = try await read { snapshot in try self.find(reference, in: snapshot) }
        let folder = RunFolder(path: run.folder)
        try Self.checkRemovable(run)
        try Self.removing { () throws(UserError) in try RunFreezer.clear(folder) }
        try await write { transaction in
            // Somebody may have let it go since.
            try Self.checkRemovable(self.find(run.id, in: transaction.snapshot))
            try Self.removing { () throws(UserError) in try RunFreezer.setAside(folder) }
            try Failpoints.pass(.folderRemoved)
            try transaction.delete(run: run.id)
        }
        try Self.removing { () throws(UserError) in try RunFreezer.clear(folder) }
    }

    private static func checkRemovable(_ run: RunRecord) throws(APIError) {
        switch run.state {
        case .paused, .stuck, .finished, .failed, .cancelled, .held: break
        case .queued, .pending, .starting, .running, .restarting, .stopping, .cancelling:
            throw APIError(.conflict, "run \(run.id) is \(run.state.rawValue)", fix: "molt cancel \(run.id) first")
        }
        guard !run.isWatched else {
            throw APIError(.conflict, "run \(run.id) still has a job", fix: "molt cancel \(run.id) first")
        }
    }

    private static func removing(_ body: () throws(UserError) -> Void) throws(APIError) {
        do throws(UserError) {
            try body()
        } catch { throw APIError(error, code: .unavailable) }
    }
}
