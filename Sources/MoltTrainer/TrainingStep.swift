import MoltCore
import MoltData
import MoltModels
import MoltNN
import MoltOptim
import MoltParallel
import MoltRecipe
import MoltTensor

enum StepOutcome {
    case taken(StepReport)
    /// Nothing has changed since the step before.
    case stopped(StopReason)
    /// The loss or the gradient is not a number on some rank; the weights were not touched.
    case nonFinite(String)
}

/// Numbers are ordered by weight: ranks agree on the largest.
enum StopReason: Int {
    case none = 0
    case asked = 1
    case fenced = 2
}

extension Trainer {
    /// One optimizer step: micro-batches, backward with the ranks' sums, agreement, clipping, update.
    func takeStep() throws -> StepOutcome {
        let started = Clock.monotonic()
        let (samples, next) = takeSamples()
        let targets = try loader.targetCount(of: samples)
        learner.optimizer.zeroGradients()
        var lossSum = 0.0, own = 0.0
        let isSaving = saver?.isBusy == true
        let parts = plan.shares.microBatches(samples)
        for (index, part) in parts.enumerated() {
            let (reason, save) = try agree()
            if reason != .none { return .stopped(reason) }
            if save { try beginSave() }
            events.beat(.step, step: learner.progress.step)
            let began = Clock.monotonic()
            lossSum += try backward(
                try loader.batch(part), scale: 1 / Double(max(1, targets)), isLast: index == parts.count - 1)
            own += Clock.monotonic() - began
        }
        try buckets.finish()
        let norm = try GradientNorm.clip(learner.parameters, to: plan.recipe.optimizer.clip)
        let agreed = try group.sum([lossSum, lossSum.isFinite && norm.isFinite ? 0 : 1])
        let loss = agreed[0] / Double(max(1, targets))
        guard agreed[1] == 0 else { return .nonFinite("loss \(loss), gradient norm \(norm)") }
        let rate = plan.schedule.rate(after: learner.progress.step)
        let updating = Clock.monotonic()
        try learner.optimizer.step(learningRate: rate)
        own += Clock.monotonic() - updating
        let tokens = samples.count * loader.sequenceLength
        learner.progress.step += 1
        learner.progress.tokens += tokens
        learner.progress.position = next
        learner.progress.optimizerSteps = learner.optimizer.steps
        randomAtStepStart = try RandomState.save()
        return .taken(
            StepReport(
                step: learner.progress.step, loss: loss, tokens: tokens, targets: targets, learningRate: rate,
                gradientNorm: norm, seconds: Clock.monotonic() - started,
                own: isSaving || saver?.isBusy == true ? nil : own))
    }

    /// The next global batch that was not found to break the run.
    private func takeSamples() -> (samples: [DataPosition], next: DataPosition) {
        while true {
            let (samples, next) = loader.take(plan.shares.globalBatch, from: learner.progress.position)
            guard let first = samples.first, learner.progress.skipped.contains(first) else { return (samples, next) }
            learner.progress.position = next
        }
    }

    /// Adds a micro-batch's gradients; returns its summed loss.
    private func backward(_ batch: TokenBatch, scale: Double, isLast: Bool) throws -> Double {
        learner.model.registry.isTraining = true
        let loss = try forward(batch)
        learner.model.registry.isTraining = false
        buckets.begin(synchronizing: isLast)
        try (loss * scale).backward()
        return try loss.item()
    }

    /// The summed loss of a batch, in fp32 whatever the precision of the products.
    func forward(_ batch: TokenBatch) throws(TorchError) -> Tensor {
        let shape = [batch.rows, batch.length]
        let tokens = try Tensor(batch.tokens, shape: shape).to(device)
        let targets = try Tensor(batch.targets, shape: shape).to(device)
        if let objective = plan.recipe.objective, plan.recipe.prefers {
            return try preferenceLoss(tokens, targets, objective)
        }
        let documents = try Tensor(batch.sequenceIndex, shape: shape).to(device)
        let dtype: DType? = plan.recipe.train.precision == .bf16 ? .bfloat16 : nil
        return try autocast(dtype, on: device) { () throws(TorchError) in
            try learner.model.lossSum(tokens, targets: targets, sequenceIndex: documents)
        }
    }
}
