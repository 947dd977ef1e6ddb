package import MoltRecipe

extension ModelSection {
    /// Everything that decides the shape and meaning of the weights, as words for a checkpoint's manifest.
    package var architecture: [String: String] {
        [
            "family": family.rawValue, "pattern": String(pattern.layers.map(\.rawValue)),
            "hidden_size": "\(hiddenSize)", "vocab_size": "\(vocabularySize ?? 0)", "mamba_heads": "\(mambaHeads)",
            "mamba_head_dim": "\(mambaHeadSize)", "groups": "\(groups)", "state_size": "\(stateSize)",
            "conv_kernel": "\(convolutionKernel)", "attention_heads": "\(attentionHeads)",
            "kv_heads": "\(keyValueHeads)", "attention_head_dim": "\(attentionHeadSize)",
            "ffn_size": "\(feedForwardSize)", "activation": activation.rawValue, "gated_mlp": "\(gatedMLP)",
            "tied_embeddings": "\(tiedEmbeddings)", "norm_eps": "\(normEpsilon)", "mixers": "\(mixersEnabled)",
        ]
    }

    /// Refuses sizes that no model can have, before anything is allocated.
    func validateForTraining() throws(ModelError) {
        func require(_ condition: Bool, _ reason: @autoclosure () -> String) throws(ModelError) {
            if !condition { throw .badSize(reason()) }
        }
        try require(hiddenSize > 0, "hidden_size is \(hiddenSize)")
        if let vocabularySize { try require(vocabularySize > 0, "vocab_size is \(vocabularySize)") }
        if pattern.count(of: .mamba) > 0 {
            try require(
                min(mambaHeads, mambaHeadSize, groups, stateSize, convolutionKernel - 1, chunkSize) > 0,
                "the Mamba-2 layers need mamba_heads, mamba_head_dim, groups, state_size, conv_kernel and chunk_size")
            try require(mambaHeads % groups == 0, "\(mambaHeads) mamba_heads do not divide into \(groups) groups")
        }
        if pattern.count(of: .attention) > 0 {
            try require(
                attentionHeads > 0 && keyValueHeads > 0 && attentionHeadSize > 0,
                "the attention layers need attention_heads, kv_heads and attention_head_dim")
            try require(
                attentionHeads % keyValueHeads == 0,
                "\(attentionHeads) attention_heads do not divide over \(keyValueHeads) kv_heads")
        }
        if pattern.count(of: .mlp) > 0 { try require(feedForwardSize > 0, "the MLP layers need ffn_size") }
    }
}
