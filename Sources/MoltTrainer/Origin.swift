import MoltCheckpoint
import MoltCore
import MoltParallel
import MoltRecipe

/// Where a worker's weights come from: a checkpoint of its own run, what `init_from` names, or chance.
struct Origin {
    /// The run's newest whole checkpoint, on which all ranks agree.
    let own: (name: CheckpointName, manifest: CheckpointManifest)?
    /// The weights to start from, or those that adapters stand on; not needed to go on with a run that trains them all.
    let source: CheckpointSource?

    init(_ recipe: Recipe, context: WorkerContext, group: ProcessGroup, events: EventLog) throws {
        let store = CheckpointStore(run: context.run, epoch: context.epoch)
        let newest = try context.isMain ? Self.choose(store, events) : nil
        // Rank 0 has verified; the others take its word, since they read the same files.
        let agreed = try group.maximum(newest.map { [$0.epoch, $0.step, 1] } ?? [-1, -1, 0])
        var own: (name: CheckpointName, manifest: CheckpointManifest)?
        if agreed[2] > 0 {
            let name = CheckpointName(step: agreed[1], epoch: agreed[0])
            own = (name, try store.folder.verify(name, contents: false))
        }
        self.own = own
        let chosen = try context.isMain ? Self.source(recipe, own?.manifest, context.run, events) : nil
        // What `init_from` names may gain a checkpoint at any time; all ranks open the one that rank 0 found whole.
        let folder = String(decoding: try group.broadcast(Array((chosen?.folder ?? "").utf8)), as: UTF8.self)
        source = try chosen ?? (folder.isEmpty ? nil : CheckpointSource(verified: folder, key: "init_from"))
    }

    /// The recipe's model, or else the one that the weights belong to.
    func model(of recipe: Recipe) throws(UserError) -> ModelSection {
        if let model = recipe.model { return model }
        if let manifest = own?.manifest ?? source?.manifest {
            return try manifest.state(
                StateKey.model, as: ModelSection.self, at: source?.folder ?? "\(manifest.run)")
        }
        throw UserError("the recipe has no model", at: "model", fix: "extend a built-in recipe or give its sizes")
    }

    private static func source(
        _ recipe: Recipe, _ own: CheckpointManifest?, _ run: RunFolder, _ events: EventLog
    ) throws(UserError) -> CheckpointSource? {
        guard var named = recipe.initFrom else { return nil }
        let key = recipe.method.type.adapts ? StateKey.base : StateKey.reference
        // What stays as it is beside what is trained.
        let isKept = recipe.method.type.adapts || recipe.prefers
        guard own == nil || isKept else { return nil }
        let beat = { events.beat(.load) }
        // Adapters need their base for ever; other runs only until their first checkpoint, which is not worth a copy.
        let base = OwnBase(
            run: run, named: named, copies: isKept, keepsTokenizer: recipe.data?.tokenizer == nil, beat: beat)
        if let found = try base.find(isTrained: own != nil) { return found }
        // A run that `init_from` names may have gone on since; the adapters belong to what they were trained on.
        if let own { named = try own.state(key, as: BaseReference.self, at: run.checkpoints).folder }
        let source = try CheckpointSource(named, key: "init_from", beat: beat)
        do {
            return try base.adopt(source)
        } catch {
            events.write(.note, message: "the run depends on \(source.folder): \(error)")
            return source
        }
    }

    private static func choose(_ store: CheckpointStore, _ events: EventLog) throws -> CheckpointName? {
        do throws(CheckpointError) {
            try store.clearLeftovers()
        } catch {
            if case .fenced = error { throw error }
            events.write(.note, message: "leftovers of earlier saves were not removed: \(error)")
        }
        var rejected = 0
        let newest = try store.folder.newest(beat: { events.beat(.load) }) { name, problem in
            rejected += 1
            var event = RunEvent(.rejectedCheckpoint, at: Clock.now(), step: name.step, message: "\(problem)")
            event.checkpoint = "\(name)"
            events.write(event)
            StandardError.write("the checkpoint \(name) is passed over: \(problem)")
        }
        guard newest != nil || rejected == 0 else {
            throw UserError(
                "none of the run's \(rejected) checkpoints is whole", at: store.folder.path,
                fix: "restore one from a copy, or remove the folder to start over")
        }
        return newest?.name
    }
}
