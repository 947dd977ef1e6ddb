package import MoltAPI
import MoltCore
import MoltRecipe
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
        guard request.keep >= Retention.goodMin else {
            throw APIError(
                .invalid, "a run keeps at least \(Retention.goodMin) verified checkpoints, not \(request.keep)",
                fix: "molt rm removes the whole run")
        }
        let (run, known, frozen) = try await read { snapshot in
            let run = try self.find(reference, in: snapshot)
            try Self.checkNotGoingBack(run, in: snapshot)
            return (run, try snapshot.checkpoints(run.id), try snapshot.frozen(run.id))
        }
        guard !run.isWatched else {
            throw APIError(
                .conflict, "run \(run.id) is \(run.state.rawValue) and looks after its checkpoints itself",
                fix: "stop it first, or set checkpoint.keep with molt edit")
        }
        let folder = RunFolder(path: run.folder)
        let all = Storage.checkpoints(folder)
        var result = PruneResult(id: run.id, name: run.name)
        let good = Self.verified(known, in: folder)
        guard all.isEmpty || !good.isEmpty else {
            throw APIError(
                .conflict, "none of the \(all.count) checkpoints of run \(run.id) is verified", at: folder.checkpoints,
                fix: "molt show \(run.id) lists them; nothing was removed")
        }
        // What is newer and not verified may still be good: a person decides.
        var spared = Retention.milestones(all, every: try Self.milestones(frozen))
        if let best = CheckpointFolder(path: folder.checkpoints).best(of: all) { spared.insert(best) }
        let old = Retention.doomed(all, good: good, keep: request.keep, spared: spared).sorted()
        result.kept = all.filter { !old.contains($0) }.map(\.description)
        let aside = request.includeSetAside == true ? Storage.setAside(folder) : []
        for name in old.map(\.description) + Storage.leftovers(folder) + aside {
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

    /// What the ledger calls verified and is still as large as its manifest says.
    private static func verified(_ known: [CheckpointRecord], in run: RunFolder) -> Set<CheckpointName> {
        let folder = CheckpointFolder(path: run.checkpoints)
        return Set(known.filter(\.verified).map(\.name).filter { (try? folder.verify($0, contents: false)) != nil })
    }

    private static func milestones(_ frozen: FrozenRecord?) throws(APIError) -> Int? {
        guard let frozen else { return nil }
        do throws(UserError) { return try FrozenRecipe.decode(frozen.recipe).checkpoint.milestones } catch {
            throw APIError(error)
        }
    }
}
