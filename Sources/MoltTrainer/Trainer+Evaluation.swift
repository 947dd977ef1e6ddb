import MoltCore
import MoltData
import MoltModels
import MoltParallel
import MoltRecipe
import MoltTensor

extension Trainer {
    /// Also where a run goes on that was stopped before it could validate.
    var isEvaluationDue: Bool {
        let every = plan.recipe.train.evaluateEvery, step = learner.progress.step
        return every > 0 && step > 0 && step % every == 0 && step < plan.steps
            && learner.progress.validation?.lastStep != step
    }

    /// Whether validation has not improved for as long as the recipe allows.
    var isStoppingEarly: Bool {
        learner.progress.validation?.stops(plan.recipe.train.earlyStopping) ?? false
    }

    /// All ranks have the same loss, and come to the same end.
    private func record(_ loss: Double) {
        let step = learner.progress.step
        guard var record = learner.progress.validation else {
            // A run that validates at its end alone has no best.
            guard plan.recipe.train.evaluateEvery > 0, step < plan.steps else { return }
            learner.progress.validation = ValidationRecord(loss: loss, step: step)
            wantsBestSaved = plan.recipe.checkpoint.savesBest
            return
        }
        let delta = plan.recipe.train.earlyStopping?.minimumDelta ?? 0
        let isBest = record.add(loss: loss, step: step, minimumDelta: delta)
        // The state at the end is saved already; only a better loss is worth to save it again with.
        guard step < plan.steps || isBest else { return }
        learner.progress.validation = record
        wantsBestSaved = isBest && plan.recipe.checkpoint.savesBest
    }

    /// The mean loss over the validation targets, each counted once whichever rank computes it.
    /// - Returns: why all ranks must stop instead, or `none`.
    func evaluate() throws -> StopReason {
        guard let validation else { return .none }
        let started = Clock.monotonic()
        events.phase(.evaluate, step: learner.progress.step)
        let all = validation.sampleCount(), limit = plan.recipe.train.evaluateSequences
        let (samples, _) = validation.take(limit > 0 ? min(limit, all) : all, from: DataPosition())
        var sum = 0.0
        preferred = PreferenceCount()
        for part in plan.shares.validationBatches(samples) {
            let reason = try agree().reason
            if reason != .none { return reason }
            events.beat(.evaluate, step: learner.progress.step)
            guard !part.isEmpty else { continue }
            let batch = try validation.batch(part)
            sum += try noGrad { try forward(batch).item() }
        }
        let targets = try validation.targetCount(of: samples)
        let loss = try group.sum([sum])[0] / Double(max(1, targets))
        record(loss)
        var words: String?
        if plan.recipe.prefers {
            let sums = try group.sum([Double(preferred.pairs), Double(preferred.right), preferred.margins])
            words = PreferenceCount.text(pairs: sums[0], right: sums[1], margins: sums[2])
        }
        if context.isMain {
            var event = RunEvent(.validation, at: Clock.now(), step: learner.progress.step)
            event.message = words
            event.validationLoss = loss.isFinite ? loss : nil
            validationLoss = event.validationLoss
            event.tokens = targets
            event.seconds = Clock.monotonic() - started
            events.write(event)
        }
        events.phase(.step, step: learner.progress.step)
        return .none
    }
}
