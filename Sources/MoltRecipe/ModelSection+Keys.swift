extension ModelSection {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case family, pattern
        case hiddenSize = "hidden_size"
        case vocabularySize = "vocab_size"
        case mambaHeads = "mamba_heads"
        case mambaHeadSize = "mamba_head_dim"
        case groups
        case stateSize = "state_size"
        case convolutionKernel = "conv_kernel"
        case chunkSize = "chunk_size"
        case convolutionBias = "conv_bias"
        case mambaBias = "mamba_bias"
        case stepMinimum = "time_step_min"
        case stepMaximum = "time_step_max"
        case gatedNormGroups = "gated_norm_groups"
        case normBeforeGate = "norm_before_gate"
        case innerSize = "inner_size"
        case stepRank = "time_step_rank"
        case recurrentWidth = "lru_width"
        case recurrentBlocks = "lru_blocks"
        case attentionHeads = "attention_heads"
        case keyValueHeads = "kv_heads"
        case attentionHeadSize = "attention_head_dim"
        case window
        case attentionBias = "attention_bias"
        case attentionOutputBias = "attention_output_bias"
        case attentionScale = "attention_multiplier"
        case attentionSoftcap = "attention_softcap"
        case attentionConvolution = "attention_conv"
        case rotaryShare = "rope_fraction"
        case rotaryBase = "rope_theta"
        case rotaryScaling = "rope_scaling"
        case rotaryFactor = "rope_factor"
        case feedForwardSize = "ffn_size"
        case activation
        case gatedMLP = "gated_mlp"
        case feedForwardBias = "mlp_bias"
        case experts
        case expertsPerToken = "experts_per_token"
        case expertSize = "expert_ffn_size"
        case sharedExpertSize = "shared_ffn_size"
        case tiedEmbeddings = "tied_embeddings"
        case normEpsilon = "norm_eps"
        case normPlusOne = "norm_plus_one"
        case residualInFP32 = "residual_fp32"
        case initializerRange = "initializer_range"
        case embeddingMultiplier = "embedding_multiplier"
        case residualMultiplier = "residual_multiplier"
        case logitsDivisor = "logits_scaling"
        case logitsSoftcap = "logits_softcap"
        case mixersEnabled = "mixers"
    }

    /// Keys that are not there take their defaults: a checkpoint of an earlier version names fewer.
    package init(from decoder: any Decoder) throws {
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
            if let found = try keys.decodeIfPresent(Value.self, forKey: key) { value = found }
        }
        self.init(
            pattern: try keys.decode(LayerPattern.self, forKey: .pattern),
            hiddenSize: try keys.decode(Int.self, forKey: .hiddenSize), mambaHeads: 0)
        try read(.family, &family)
        vocabularySize = try keys.decodeIfPresent(Int.self, forKey: .vocabularySize)
        try read(.mambaHeads, &mambaHeads)
        try read(.mambaHeadSize, &mambaHeadSize)
        try read(.groups, &groups)
        try read(.stateSize, &stateSize)
        try read(.convolutionKernel, &convolutionKernel)
        try read(.chunkSize, &chunkSize)
        try read(.convolutionBias, &convolutionBias)
        try read(.mambaBias, &mambaBias)
        try read(.stepMinimum, &stepMinimum)
        stepMaximum = try keys.decodeIfPresent(Double.self, forKey: .stepMaximum)
        gatedNormGroups = try keys.decodeIfPresent(Int.self, forKey: .gatedNormGroups)
        try read(.normBeforeGate, &normBeforeGate)
        innerSize = try keys.decodeIfPresent(Int.self, forKey: .innerSize)
        stepRank = try keys.decodeIfPresent(Int.self, forKey: .stepRank)
        try read(.recurrentWidth, &recurrentWidth)
        try read(.recurrentBlocks, &recurrentBlocks)
        try readAttention(keys)
        try read(.feedForwardSize, &feedForwardSize)
        try read(.activation, &activation)
        try read(.gatedMLP, &gatedMLP)
        try read(.feedForwardBias, &feedForwardBias)
        try read(.experts, &experts)
        try read(.expertsPerToken, &expertsPerToken)
        try read(.expertSize, &expertSize)
        try read(.sharedExpertSize, &sharedExpertSize)
        try read(.tiedEmbeddings, &tiedEmbeddings)
        try read(.normEpsilon, &normEpsilon)
        try read(.normPlusOne, &normPlusOne)
        try read(.residualInFP32, &residualInFP32)
        try read(.initializerRange, &initializerRange)
        try read(.embeddingMultiplier, &embeddingMultiplier)
        try read(.residualMultiplier, &residualMultiplier)
        try read(.logitsDivisor, &logitsDivisor)
        logitsSoftcap = try keys.decodeIfPresent(Double.self, forKey: .logitsSoftcap)
        try read(.mixersEnabled, &mixersEnabled)
    }

    private mutating func readAttention(_ keys: KeyedDecodingContainer<CodingKeys>) throws {
        func read<Value: Decodable>(_ key: CodingKeys, _ value: inout Value) throws {
            if let found = try keys.decodeIfPresent(Value.self, forKey: key) { value = found }
        }
        try read(.attentionHeads, &attentionHeads)
        keyValueHeads = attentionHeads
        try read(.keyValueHeads, &keyValueHeads)
        try read(.attentionHeadSize, &attentionHeadSize)
        try read(.window, &window)
        try read(.attentionBias, &attentionBias)
        try read(.attentionOutputBias, &attentionOutputBias)
        attentionScale = try keys.decodeIfPresent(Double.self, forKey: .attentionScale)
        attentionSoftcap = try keys.decodeIfPresent(Double.self, forKey: .attentionSoftcap)
        try read(.attentionConvolution, &attentionConvolution)
        try read(.rotaryShare, &rotaryShare)
        try read(.rotaryBase, &rotaryBase)
        try read(.rotaryScaling, &rotaryScaling)
        try read(.rotaryFactor, &rotaryFactor)
    }
}
