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
        func require(_ sizes: KeyValuePairs<String, Int>, for layers: String) throws(ModelError) {
            for (key, size) in sizes { try require(size > 0, "\(key) is \(size), and the \(layers) layers need one") }
        }
        if pattern.count(of: .mamba) > 0 {
            try require(
                [
                    "mamba_heads": mambaHeads, "mamba_head_dim": mambaHeadSize, "groups": groups,
                    "state_size": stateSize, "chunk_size": chunkSize,
                ], for: "Mamba-2")
            let kernels = Self.convolutionKernels
            try require(
                kernels.contains(convolutionKernel),
                "conv_kernel is \(convolutionKernel), and only \(kernels.lowerBound) to \(kernels.upperBound) can be")
            try require(mambaHeads % groups == 0, "\(mambaHeads) mamba_heads do not divide into \(groups) groups")
        }
        if pattern.count(of: .attention) > 0 {
            try require(
                [
                    "attention_heads": attentionHeads, "kv_heads": keyValueHeads,
                    "attention_head_dim": attentionHeadSize,
                ], for: "attention")
            try require(
                attentionHeads % keyValueHeads == 0,
                "\(attentionHeads) attention_heads do not divide over \(keyValueHeads) kv_heads")
        }
        if pattern.count(of: .mlp) > 0 { try require(["ffn_size": feedForwardSize], for: "MLP") }
    }
}
