import MoltCore

extension Recipe {
    /// Workers of the whole run.
    package var worldSize: Int { resources.nodes.times(resources.ranks) }

    /// Copies of the model that see different data.
    package var dataParallelSize: Int { max(1, worldSize / max(1, parallel.tensor.times(parallel.pipeline))) }

    package var tokensPerStep: Int { train.globalBatch.times(data?.sequenceLength ?? 0) }

    /// Optimizer steps of the whole run; nil for a task that does not train.
    package var plannedSteps: Int? {
        guard trains else { return nil }
        if let steps = train.steps { return steps }
        guard let tokens = train.tokens, tokensPerStep > 0 else { return nil }
        return tokens.plus(tokensPerStep - 1) / tokensPerStep
    }

    package var gpusPerRank: Int { resources.gpusPerNode / resources.ranks }

    package var trains: Bool { task == .pretrain || task == .finetune }

    /// Whether it trains on pairs of answers, beside a model that stays as it is.
    package var prefers: Bool { trains && objective?.type == .dpo }
}
