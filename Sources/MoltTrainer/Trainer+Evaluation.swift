import MoltCore
import MoltData
import MoltModels
import MoltParallel
import MoltRecipe
import MoltTensor

extension Trainer {
    var isEvaluationDue: Bool {
        let every = plan.recipe.train.evaluateEvery
        return every > 0 && learner.progress.step % every == 0 && learner.progress.step < plan.steps
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
        for part in plan.shares.validationBatches(samples) {
            let reason = try agree().reason
            if reason != .none { return reason }
            events.beat(.evaluate, step: learner.progress.step)
            guard !part.isEmpty else { continue }
            let batch = try validation.batch(part)
            sum += try noGrad { try forward(batch).item() }
        }
        let targets = validation.targetCount(of: samples)
        let loss = try group.sum([sum])[0] / Double(max(1, targets))
        if context.isMain {
            var event = RunEvent(.validation, at: Clock.now(), step: learner.progress.step)
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
