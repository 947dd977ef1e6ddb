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
            case .resume: .resumeAsked(at: now)
            case .hold: .holdAsked
            case .release: .releaseAsked(at: now)
            }
        let record: RunRecord
        if let step = request.fromStep {
            guard action == .resume else { throw APIError(.invalid, "only resume takes a step to start from") }
            record = try await goBack(reference, to: step)
        } else {
            record = try await wish(event, for: reference)
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

    private func wish(_ event: LifecycleEvent, for reference: String) async throws(APIError) -> RunRecord {
        let now = clock.now()
        return try await write { transaction in
            let run = try self.find(reference, in: transaction.snapshot)
            guard let id = RunID(rawValue: run.id) else { throw APIError(.internalError, "run \(run.id) has no id") }
            if case .resumeAsked = event { try Self.checkNotGoingBack(run, in: transaction.snapshot) }
            let recorder = RunRecorder(transaction: transaction, now: now)
            let after = try recorder.handle(event, run: id)
            if var resumed = after, case .resumeAsked = event {
                // What went wrong before is history now.
                resumed.record.lastError = nil
                try transaction.update(resumed.record)
                return resumed.record
            }
            return after?.record ?? run
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
