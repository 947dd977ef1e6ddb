import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor

extension Trainer {
    /// The summed loss of pairs, better and worse answers in turn; the reference is this model without its adapters, or
    /// the one that the run started from.
    func preferenceLoss(
        _ tokens: Tensor, _ targets: Tensor, _ objective: ObjectiveSection
    ) throws(TorchError) -> Tensor {
        let loss = DirectPreference(beta: objective.beta, smoothing: objective.labelSmoothing)
        let dtype: DType? = plan.recipe.train.precision == .bf16 ? .bfloat16 : nil
        return try autocast(dtype, on: device) { () throws(TorchError) in
            let reference = try noGrad { () throws(TorchError) in try referenceLog(tokens, targets) }
            let policy = try learner.model.logProbabilities(tokens, targets: targets)
            let result = try loss(policy: policy, reference: reference)
            preferred.pairs += result.margins.size(0)
            preferred.right += try (result.margins .> 0).to(.int64).sum().itemInteger()
            preferred.margins += try result.margins.sum().item()
            return result.lossSum
        }
    }

    private func referenceLog(_ tokens: Tensor, _ targets: Tensor) throws(TorchError) -> Tensor {
        if let reference = learner.reference {
            return try reference.model.logProbabilities(tokens, targets: targets)
        }
        let registry = learner.model.registry
        registry.usesAdapters = false
        defer { registry.usesAdapters = true }
        return try learner.model.logProbabilities(tokens, targets: targets)
    }
}

/// How often the model prefers the better answer more than the reference does, and by how much.
struct PreferenceCount {
    var pairs = 0
    var right = 0
    var margins = 0.0

    /// - Parameter sums: over all ranks.
    static func text(pairs: Double, right: Double, margins: Double) -> String {
        let share = Double(Int(1000 * right / max(1, pairs) + 0.5)) / 10
        let margin = Double(Int((1000 * margins / max(1, pairs)).rounded())) / 1000
        return "preferences: \(share) % of the pairs the right way round, margin \(margin)"
    }
}
