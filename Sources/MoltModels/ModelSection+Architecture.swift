package import MoltRecipe

extension ModelSection {
    /// Everything that decides the shape and meaning of the weights, as words for a checkpoint's manifest. What an
    /// earlier version had no key for is left out at its default, so that its checkpoints still compare.
    package var architecture: [String: String] {
        var words = [
            "family": family.rawValue, "pattern": String(pattern.layers.map(\.rawValue)),
            "hidden_size": "\(hiddenSize)", "vocab_size": "\(vocabularySize ?? 0)", "mamba_heads": "\(mambaHeads)",
            "mamba_head_dim": "\(mambaHeadSize)", "groups": "\(groups)", "state_size": "\(stateSize)",
            "conv_kernel": "\(convolutionKernel)", "attention_heads": "\(attentionHeads)",
            "kv_heads": "\(keyValueHeads)", "attention_head_dim": "\(attentionHeadSize)",
            "ffn_size": "\(feedForwardSize)", "activation": activation.rawValue, "gated_mlp": "\(gatedMLP)",
            "tied_embeddings": "\(tiedEmbeddings)", "norm_eps": "\(normEpsilon)", "mixers": "\(mixersEnabled)",
        ]
        var plain = self
        plain.resetRareKeys()
        for (mine, theirs) in zip(rareKeys, plain.rareKeys) where mine.value != theirs.value {
            words[mine.key] = mine.value
        }
        return words
    }

    private var rareKeys: KeyValuePairs<String, String> {
        [
            "conv_bias": "\(convolutionBias)", "mamba_bias": "\(mambaBias)", "time_step_min": "\(stepMinimum)",
            "time_step_max": "\(stepMaximum ?? .infinity)", "gated_norm_groups": "\(gatedNormGroups ?? groups)",
            "norm_before_gate": "\(normBeforeGate)", "inner_size": "\(mamba1Width)",
            "time_step_rank": "\(mamba1Rank)", "lru_width": "\(recurrentWidth)", "lru_blocks": "\(recurrentBlocks)",
            "window": "\(window)", "attention_bias": "\(attentionBias)",
            "attention_output_bias": "\(attentionOutputBias)", "attention_multiplier": "\(attentionScale ?? 0)",
            "attention_softcap": "\(attentionSoftcap ?? 0)", "attention_conv": "\(attentionConvolution)",
            "rope_fraction": "\(rotaryShare)", "rope_theta": "\(rotaryBase)", "rope_scaling": rotaryScaling.rawValue,
            "rope_factor": "\(rotaryFactor)", "mlp_bias": "\(feedForwardBias)", "experts": "\(experts)",
            "experts_per_token": "\(expertsPerToken)", "expert_ffn_size": "\(expertSize)",
            "shared_ffn_size": "\(sharedExpertSize)", "norm_plus_one": "\(normPlusOne)",
            "embedding_multiplier": "\(embeddingMultiplier)", "residual_multiplier": "\(residualMultiplier)",
            "logits_scaling": "\(logitsDivisor)", "logits_softcap": "\(logitsSoftcap ?? 0)",
        ]
    }

    private mutating func resetRareKeys() {
        var plain = ModelSection(pattern: pattern, hiddenSize: hiddenSize, mambaHeads: mambaHeads)
        plain.groups = groups
        self = plain
    }

    /// Refuses sizes that no model can have, before anything is allocated.
    func validateForTraining() throws(ModelError) {
        var problems: [String] = []
        ModelCheck(self) { _, what, _ in problems.append(what) }.run()
        if let first = problems.first { throw .badSize(first) }
    }
}
