package import MoltAPI
import MoltCore
import MoltReconcile
import MoltStore

extension RunService {
    package func usage(_ reference: String) async throws(APIError) -> RunUsage {
        let run = try await read { snapshot in try self.find(reference, in: snapshot) }
        var usage = RunUsage(id: run.id, name: run.name, state: run.state.rawValue)
        Storage.measure(RunFolder(path: run.folder), into: &usage)
        return usage
    }

    package func prune(_ reference: String, _ request: PruneRequest) async throws(APIError) -> PruneResult {
        guard request.keep > 0 else {
            throw APIError(.invalid, "a run keeps at least one checkpoint", fix: "molt rm removes the whole run")
        }
        let (run, known) = try await read { snapshot in
            let run = try self.find(reference, in: snapshot)
            return (run, try snapshot.checkpoints(run.id))
        }
        guard !run.isWatched else {
            throw APIError(
                .conflict, "run \(run.id) is \(run.state.rawValue) and looks after its checkpoints itself",
                fix: "stop it first, or set checkpoint.keep with molt edit")
        }
        let folder = RunFolder(path: run.folder)
        let verified = Set(known.filter(\.verified).map { CheckpointName(step: $0.step, epoch: $0.epoch) })
        let all = Storage.checkpoints(folder)
        let kept = all.filter(verified.contains).suffix(request.keep)
        var result = PruneResult(id: run.id, name: run.name)
        guard !all.isEmpty else { return result }
        guard let oldest = kept.first else {
            throw APIError(
                .conflict, "none of the \(all.count) checkpoints of run \(run.id) is verified", at: folder.checkpoints,
                fix: "molt show \(run.id) lists them; nothing was removed")
        }
        // What is newer and not verified may still be good: a person decides. The best is what training was for.
        let best = CheckpointFolder(path: folder.checkpoints).best(of: all)
        let old = all.filter { $0 < oldest && $0 != best }
        result.kept = (all.filter { $0 < oldest && $0 == best } + kept).map(\.description)
        for name in old.map(\.description) + Storage.leftovers(folder) {
            result.bytes += Storage.bytes(of: "\(folder.checkpoints)/\(name)")
            result.removed.append(name)
            guard !request.dryRun else { continue }
            do {
                try Storage.remove(name, of: folder)
            } catch {
                throw APIError(.unavailable, "cannot remove \(name): \(error)", at: folder.checkpoints)
            }
        }
        guard !request.dryRun, !result.removed.isEmpty else { return result }
        let (now, count) = (clock.now(), result.removed.count)
        try await write { transaction in
            for name in old { try transaction.deleteCheckpoint(run: run.id, epoch: name.epoch, step: name.step) }
            try RunRecorder(transaction: transaction, now: now)
                .note("pruned", "\(count) checkpoints and leftovers removed by the user", run: run.id)
        }
        return result
    }
}
