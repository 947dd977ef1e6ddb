import MoltCheckpoint
import MoltCore
import MoltData
import MoltRecipe
import MoltParallel
import MoltTensor

extension Trainer {
    /// Loads the run's own checkpoint, if it has one, and prepares rank 0 to save.
    func resume(_ own: CheckpointName?) throws {
        let store = CheckpointStore(run: context.run, epoch: context.epoch)
        var loaded: (name: CheckpointName, progress: TrainingProgress)?
        if let own {
            loaded = (own, try load(own, store.folder))
        } else {
            let start = plan.recipe.initFrom ?? "fresh weights"
            events.write(.loaded, step: 0, message: "no checkpoint: starting from \(start)")
        }
        guard context.isMain else { return }
        let checkpoint = plan.recipe.checkpoint
        let schedule = SaveSchedule(
            every: checkpoint.every, everySteps: checkpoint.everySteps, now: Clock.monotonic(),
            step: learner.progress.step)
        saver = Saver(
            store: store, keep: checkpoint.keep, loaded: loaded, schedule: schedule, events: events)
    }

    /// - Returns: where the checkpoint was, which may differ from where the run goes on in what is noticed here.
    private func load(_ name: CheckpointName, _ folder: CheckpointFolder) throws -> TrainingProgress {
        events.phase(.load, step: learner.progress.step)
        let started = Clock.monotonic()
        let path = folder.folder(of: name)
        let fingerprint = learner.progress.dataFingerprint
        let manifest = try folder.verify(name, contents: false)
        try learner.restore(from: path, manifest, rank: context.rank)
        try learner.share(in: group)
        randomAtStepStart = try RandomState.save()
        let saved = learner.progress
        if learner.progress.dataFingerprint != fingerprint {
            events.write(
                .note, message: "the training data is not what it was at the checkpoint: its order differs")
            learner.progress.dataFingerprint = fingerprint
        }
        var event = RunEvent(.loaded, at: Clock.now(), step: name.step)
        event.checkpoint = "\(name)"
        event.seconds = Clock.monotonic() - started
        events.write(event)
        return saved
    }

    /// After a step that was not finite: back to the last checkpoint, past the batch that broke it; false to stop.
    func rollBack(after what: String) throws -> Bool {
        let bad = loader.take(1, from: learner.progress.position).samples
        let note = "step \(learner.progress.step + 1) is not finite (\(what))"
        saver?.settle()
        let newest = try group.maximum(saver?.newest.map { [$0.epoch, $0.step] } ?? [-1, -1])
        guard plan.recipe.policy.onNaN == .rollback, rollbacks < Limits.rollbacksMax, newest[0] >= 0 else {
            events.write(.note, step: learner.progress.step, message: note)
            StandardError.write(note)
            return false
        }
        rollbacks += 1
        events.write(
            .note, step: learner.progress.step, message: note + ": rolling back and passing over its batch")
        let skipped = learner.progress.skipped + bad
        let saved = try load(
            CheckpointName(step: newest[1], epoch: newest[0]),
            CheckpointFolder(path: context.run.checkpoints))
        saver?.loaded(saved)
        learner.progress.skipped = skipped
        events.phase(.step, step: learner.progress.step)
        return true
    }
}
