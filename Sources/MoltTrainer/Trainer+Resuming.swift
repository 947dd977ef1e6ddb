import MoltCheckpoint
package import MoltCore
import MoltData
import MoltRecipe
import MoltParallel
import MoltTensor

#if canImport(Glibc)
import Glibc
#endif

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
            store: store, rule: RetentionRule(keep: checkpoint.keep, milestones: checkpoint.milestones),
            loaded: loaded, schedule: schedule, events: events, stop: stop)
    }

    /// - Returns: where the checkpoint was, which may differ from where the run goes on in what is noticed here.
    private func load(_ name: CheckpointName, _ folder: CheckpointFolder) throws -> TrainingProgress {
        events.phase(.load, step: learner.progress.step)
        let started = Clock.monotonic()
        let path = folder.folder(of: name)
        let fingerprint = learner.progress.dataFingerprint
        let manifest = try folder.verify(name, contents: false)
        if let slowest = manifest.slowestSave { deadline.saved(seconds: slowest) }
        try learner.restore(from: path, manifest, rank: context.rank)
        try learner.share(in: group)
        randomAtStepStart = try RandomState.save()
        let saved = learner.progress
        validationLoss = saved.validation?.last
        wantsBestSaved = false
        if learner.progress.dataFingerprint != fingerprint {
            events.write(
                .note, message: "the training data is not what it was at the checkpoint: its order differs")
            learner.progress.dataFingerprint = fingerprint
        }
        var event = RunEvent(.loaded, at: Clock.now(), step: name.step)
        event.checkpoint = "\(name)"
        event.seconds = Clock.monotonic() - started
        events.write(event)
        try Failpoints.pass(.checkpointLoaded)
        return saved
    }

    /// After a step that was not finite: past the batch that broke it, from here or from an earlier checkpoint; false
    /// to stop.
    func passOver(after what: String) throws -> Bool {
        let policy = plan.recipe.policy
        let bad = loader.take(1, from: learner.progress.position).samples
        let note = "step \(learner.progress.step + 1) is not finite (\(what))"
        func stop() -> Bool {
            events.write(.note, step: learner.progress.step, message: note)
            StandardError.write(note)
            return false
        }
        guard policy.onNaN != .stop, skips < policy.maxSkips else { return stop() }
        let skipped = learner.progress.skipped + bad
        switch policy.onNaN {
        case .stop: return stop()
        case .skip:
            // The weights were not touched; the random numbers of the step were drawn.
            try RandomState.restore(randomAtStepStart)
            events.write(.note, step: learner.progress.step, message: note + ": passing over its batch")
        case .rollback:
            guard try rollBack(note) else { return stop() }
        }
        skips += 1
        learner.progress.skipped = skipped
        return true
    }

    /// Back to an earlier checkpoint; false when there is none.
    private func rollBack(_ note: String) throws -> Bool {
        events.phase(.save, step: learner.progress.step)
        saver?.settle()
        let target = try group.maximum(targetOfRollBack().map { [$0.epoch, $0.step] } ?? [-1, -1])
        guard target[0] >= 0 else { return false }
        let name = CheckpointName(step: target[1], epoch: target[0])
        events.write(
            .note, step: learner.progress.step, message: note + ": rolling back to \(name) and passing over its batch")
        saver?.wentBack(to: name, try load(name, CheckpointFolder(path: context.run.checkpoints)))
        events.phase(.step, step: learner.progress.step)
        return true
    }

    /// Rank 0 chooses. Later checkpoints are set aside: a start after this one would take the newest again.
    private func targetOfRollBack() -> CheckpointName? {
        guard let newest = saver?.newest else { return nil }
        let folder = CheckpointFolder(path: context.run.checkpoints)
        return RollBack.setAside(
            after: newest, count: plan.recipe.policy.rollBackCheckpoints, names: (try? folder.names()) ?? []
        ) { name in rename(folder.folder(of: name), "\(folder.path)/.aside-\(name)") == 0 }
    }
}

/// How far a roll-back goes.
package enum RollBack {
    /// The `count`th newest of the checkpoints up to `newest`, once those after it are set aside; one that cannot be
    /// is as far as it can go back.
    package static func setAside(
        after newest: CheckpointName, count: Int, names: [CheckpointName], _ setAside: (CheckpointName) -> Bool
    ) -> CheckpointName {
        let known = names.filter { $0 <= newest }
        guard let target = known.suffix(count).first else { return newest }
        for name in known.reversed() where name > target {
            guard setAside(name) else { return name }
        }
        return target
    }
}
