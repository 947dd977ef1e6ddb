import MoltRecipe

/// The keys of each family's class in transformers; nil where a size has no place in them.
extension HuggingFaceConfig {
    static func mamba2(_ model: ModelSection) -> [String: JSONTree]? {
        guard model.pattern.count(of: .attention) == 0, let expand = expand(model) else { return nil }
        return [
            "model_type": .text("mamba2"), "architectures": .list([.text("Mamba2ForCausalLM")]),
            "num_hidden_layers": .integer(model.pattern.layers.count), "num_heads": .integer(model.mambaHeads),
            "head_dim": .integer(model.mambaHeadSize), "n_groups": .integer(model.groups), "expand": .integer(expand),
            "state_size": .integer(model.stateSize), "conv_kernel": .integer(model.convolutionKernel),
            "chunk_size": .integer(model.chunkSize), "use_conv_bias": .flag(model.convolutionBias),
            "use_bias": .flag(model.mambaBias), "hidden_act": .text("silu"),
            "residual_in_fp32": .flag(model.residualInFP32), "layer_norm_epsilon": .number(model.normEpsilon),
        ].merging(stepLimit(model)) { $1 }
    }

    static func nemotron(_ model: ModelSection) -> [String: JSONTree]? {
        let words: [LayerKind: String] = [.mamba: "linear_attention", .attention: "full_attention", .mlp: "mlp"]
        let kinds = model.pattern.layers.compactMap { words[$0] }
        guard kinds.count == model.pattern.layers.count, model.mambaHeads > 0 else { return nil }
        // Heads and widths of layers that the pattern does not have are the class's own.
        let hasAttention = model.attentionHeads > 0
        return [
            "model_type": .text("nemotron_h"), "architectures": .list([.text("NemotronHForCausalLM")]),
            "layers_block_type": .list(kinds.map { .text($0) }), "num_hidden_layers": .integer(kinds.count),
            "hybrid_override_pattern": .text(String(model.pattern.layers.map(\.rawValue))),
            "mamba_num_heads": .integer(model.mambaHeads), "mamba_head_dim": .integer(model.mambaHeadSize),
            "n_groups": .integer(model.groups), "ssm_state_size": .integer(model.stateSize),
            "conv_kernel": .integer(model.convolutionKernel), "chunk_size": .integer(model.chunkSize),
            "use_conv_bias": .flag(model.convolutionBias), "use_bias": .flag(model.mambaBias),
            "mamba_proj_bias": .flag(model.mambaBias), "mamba_hidden_act": .text("silu"), "expand": .integer(2),
            "num_attention_heads": .integer(hasAttention ? model.attentionHeads : 1),
            "num_key_value_heads": .integer(hasAttention ? model.keyValueHeads : 1),
            "head_dim": .integer(model.attentionHeadSize), "attention_bias": .flag(false),
            "intermediate_size": .integer(model.feedForwardSize), "mlp_bias": .flag(model.feedForwardBias),
            "mlp_hidden_act": .text(name(model.activation)), "residual_in_fp32": .flag(model.residualInFP32),
            "layer_norm_epsilon": .number(model.normEpsilon),
            // transformers holds every step above time_step_min, the released code above the limit.
            "time_step_min": .number(model.stepMinimum > 0 ? model.stepMinimum : 1e-30),
        ].merging(stepLimit(model)) { $1 }
    }

    static func bamba(_ model: ModelSection) -> [String: JSONTree]? {
        guard let shared = paired(model), model.pattern.count(of: .experts) == 0, model.rotaryShare == 0.5 else {
            return nil
        }
        let attention = mixers(model).enumerated().filter { $0.element == .attention }.map(\.offset)
        return [
            "model_type": .text("bamba"), "architectures": .list([.text("BambaForCausalLM")]),
            "attn_layer_indices": .list(attention.map { .integer($0) }), "mlp_bias": .flag(model.feedForwardBias),
            "intermediate_size": .integer(model.feedForwardSize),
            "rope_parameters": .object(rotary(model).merging(["partial_rotary_factor": .number(0.5)]) { $1 }),
            "rope_theta": .number(model.rotaryBase),
        ].merging(shared) { $1 }
    }

    static func granite(_ model: ModelSection) -> [String: JSONTree]? {
        guard let shared = paired(model) else { return nil }
        let scale = model.attentionScale ?? 1 / Double(model.attentionHeadSize).squareRoot()
        let words = mixers(model).map { $0 == .attention ? "full_attention" : "linear_attention" }
        let experts = model.pattern.count(of: .experts)
        guard experts == 0 || experts == words.count, model.rotaryShare == 0 || model.rotaryShare == 1 else {
            return nil
        }
        return [
            "model_type": .text("granitemoehybrid"), "architectures": .list([.text("GraniteMoeHybridForCausalLM")]),
            "layer_types": .list(words.map { .text($0) }), "attention_multiplier": .number(scale),
            "embedding_multiplier": .number(model.embeddingMultiplier),
            "residual_multiplier": .number(model.residualMultiplier), "logits_scaling": .number(model.logitsDivisor),
            "num_local_experts": .integer(experts > 0 ? model.experts : 0),
            "num_experts_per_tok": .integer(experts > 0 ? model.expertsPerToken : 0),
            "intermediate_size": .integer(experts > 0 ? model.expertSize : model.feedForwardSize),
            "shared_intermediate_size": .integer(experts > 0 ? model.sharedExpertSize : model.feedForwardSize),
            "position_embedding_type": model.rotaryShare == 1 ? .text("rope") : .null,
            "rope_parameters": .object(rotary(model)),
        ].merging(shared) { $1 }
    }

    static func recurrentGemma(_ model: ModelSection) -> [String: JSONTree]? {
        guard model.recurrentBlocks == model.attentionHeads, let cap = model.logitsSoftcap,
            model.attentionHeadSize * model.attentionHeads == model.hiddenSize
        else { return nil }
        let words = mixers(model).map { $0 == .recurrent ? "recurrent" : "attention" }
        return [
            "model_type": .text("recurrent_gemma"), "architectures": .list([.text("RecurrentGemmaForCausalLM")]),
            "num_hidden_layers": .integer(words.count), "block_types": .list(words.map { .text($0) }),
            "intermediate_size": .integer(2 * model.feedForwardSize), "lru_width": .integer(model.recurrentWidth),
            "num_attention_heads": .integer(model.attentionHeads),
            "num_key_value_heads": .integer(model.keyValueHeads),
            "head_dim": .integer(model.attentionHeadSize), "attention_bias": .flag(model.attentionBias),
            "attention_window_size": .integer(model.window), "conv1d_width": .integer(model.convolutionKernel),
            "logits_soft_cap": .number(cap), "hidden_activation": .text(name(model.activation)),
            "rms_norm_eps": .number(model.normEpsilon),
            "rope_parameters": .object(
                rotary(model).merging(["partial_rotary_factor": .number(model.rotaryShare)]) { $1 }),
            "rope_theta": .number(model.rotaryBase), "partial_rotary_factor": .number(model.rotaryShare),
        ]
    }

    // MARK: - Parts

    /// What Bamba and Granite name alike; nil when the inner width is no multiple of the model's.
    private static func paired(_ model: ModelSection) -> [String: JSONTree]? {
        // The scan of these classes takes the MLPs' activation, and ends in silu here.
        guard model.mambaHeads > 0, model.attentionHeads > 0, model.attentionBias == model.attentionOutputBias,
            let expand = expand(model), model.pattern.count(of: .mamba) == 0 || model.activation == .silu
        else { return nil }
        var fields: [String: JSONTree] = [
            "num_hidden_layers": .integer(model.pattern.layers.count / 2),
            "mamba_n_heads": .integer(model.mambaHeads),
            "mamba_d_head": .integer(model.mambaHeadSize), "mamba_n_groups": .integer(model.groups),
            "mamba_d_state": .integer(model.stateSize), "mamba_d_conv": .integer(model.convolutionKernel),
            "mamba_expand": .integer(expand), "mamba_chunk_size": .integer(model.chunkSize),
            "mamba_conv_bias": .flag(model.convolutionBias), "mamba_proj_bias": .flag(model.mambaBias),
            "num_attention_heads": .integer(model.attentionHeads),
            "num_key_value_heads": .integer(model.keyValueHeads),
            "attention_bias": .flag(model.attentionBias), "hidden_act": .text(name(model.activation)),
            "rms_norm_eps": .number(model.normEpsilon),
        ]
        if model.attentionHeadSize * model.attentionHeads != model.hiddenSize {
            fields["head_dim"] = .integer(model.attentionHeadSize)
        }
        return fields.merging(stepLimit(model)) { $1 }
    }

    private static func mixers(_ model: ModelSection) -> [LayerKind] {
        model.pattern.layers.filter { !$0.isFeedForward }
    }

    private static func expand(_ model: ModelSection) -> Int? {
        let inner = model.mambaHeads * model.mambaHeadSize
        return inner % model.hiddenSize == 0 ? inner / model.hiddenSize : nil
    }

    /// Left out where the step is not bounded: JSON has no infinity, and every reader takes that for granted.
    private static func stepLimit(_ model: ModelSection) -> [String: JSONTree] {
        guard model.stepMinimum > 0 || model.stepMaximum != nil else { return [:] }
        return ["time_step_limit": .list([.number(model.stepMinimum), .number(model.stepMaximum ?? 1e38)])]
    }

    private static func rotary(_ model: ModelSection) -> [String: JSONTree] {
        var fields: [String: JSONTree] = ["rope_type": .text("default"), "rope_theta": .number(model.rotaryBase)]
        if model.rotaryScaling == .linear {
            fields["rope_type"] = .text("linear")
            fields["factor"] = .number(model.rotaryFactor)
        }
        return fields
    }

    private static func name(_ activation: ModelSection.Activation) -> String {
        switch activation {
        case .silu: "silu"
        case .gelu: "gelu"
        case .geluTanh: "gelu_pytorch_tanh"
        case .squaredReLU: "relu2"
        }
    }
}
