import MoltCore
import MoltRecipe

/// The five families that transformers knows, each from its own config.json.
extension ModelSection {
    static func mamba2(_ config: ConfigReader) throws(UserError) -> ModelSection {
        let layers = try config.integer("num_hidden_layers")
        var model = try whole(
            pattern(String(repeating: "M", count: min(layers, Limits.layersMax)), config), .mamba2, config)
        model.initializerRange = try config.number("initializer_range", or: 0.1)
        model.mambaHeads = try config.integer("num_heads", or: 128)
        model.mambaHeadSize = try config.integer("head_dim", or: 64)
        model.groups = try config.integer("n_groups", or: 8)
        model.stateSize = try config.integer("state_size", or: 128)
        model.convolutionKernel = try config.integer("conv_kernel", or: 4)
        model.chunkSize = try config.integer("chunk_size", or: 256)
        model.convolutionBias = try config.flag("use_conv_bias", or: true)
        model.mambaBias = try config.flag("use_bias", or: false)
        try config.expectSilu("hidden_act")
        model.residualInFP32 = try config.flag("residual_in_fp32", or: true)
        model.normEpsilon = try config.number("layer_norm_epsilon", or: 1e-5)
        model.tiedEmbeddings = try config.flag("tie_word_embeddings", or: false)
        try model.readStepLimit(config)
        return model
    }

    static func nemotron(_ config: ConfigReader) throws(UserError) -> ModelSection {
        let kinds = [
            "linear_attention": "M", "mamba": "M", "full_attention": "*", "attention": "*", "mlp": "-", "moe": "E",
        ]
        let words = try config.words("layers_block_type", "layer_types")
        let letters =
            if let words {
                try Self.letters(words, kinds, "layers_block_type", config)
            } else {
                try config.text("hybrid_override_pattern")
            }
        var model = try whole(pattern(letters, config), .nemotronH, config)
        model.mambaHeads = try config.integer("mamba_num_heads", or: 128)
        model.mambaHeadSize = try config.integer("mamba_head_dim", or: 64)
        model.groups = try config.integer("n_groups", "mamba_n_groups", or: 8)
        model.stateSize = try config.integer("ssm_state_size", or: 128)
        model.convolutionKernel = try config.integer("conv_kernel", "mamba_d_conv", or: 4)
        model.chunkSize = try config.integer("chunk_size", "mamba_chunk_size", or: 128)
        model.convolutionBias = try config.flag("use_conv_bias", "mamba_conv_bias", or: true)
        model.mambaBias = try config.flag("use_bias", or: false)
        if model.pattern.count(of: .mamba) > 0 { try config.expectSilu("mamba_hidden_act") }
        if model.pattern.count(of: .attention) > 0 {
            try model.readAttention(config)
            try config.expect("sliding_window", among: [], computed: "the attention of its class sees all tokens")
        }
        if model.pattern.count(of: .mlp) > 0 {
            model.feedForwardSize = try config.integer("intermediate_size", or: 21504)
            model.activation = try activation(try config.text("mlp_hidden_act", or: "relu2"), config)
            model.feedForwardBias = try config.flag("mlp_bias", or: false)
        }
        model.residualInFP32 = try config.flag("residual_in_fp32", or: false)
        model.normEpsilon = try config.number("layer_norm_epsilon", "rms_norm_eps", "layer_norm_eps", or: 1e-5)
        model.tiedEmbeddings = try config.flag("tie_word_embeddings", or: false)
        try model.readStepLimit(config)
        // To the released code `time_step_min` is where steps begin to be drawn; transformers, whose own files list
        // the layers, holds every step above it.
        if words != nil {
            let bound = try config.number("time_step_min", or: 0.001)
            model.stepMinimum = bound > 1e-20 ? bound : 0
            model.stepMaximum = nil
        }
        return model
    }

    static func bamba(_ config: ConfigReader) throws(UserError) -> ModelSection {
        let layers = min(try config.integer("num_hidden_layers", or: 32), Limits.layersMax)
        let attention = Set(try config.numbers("attn_layer_indices") ?? [])
        let letters = (0..<layers).map { attention.contains(Double($0)) ? "*-" : "M-" }.joined()
        if let outside = attention.first(where: { $0 < 0 || $0 >= Double(layers) }) {
            throw UserError("attn_layer_indices names the layer \(outside) of \(layers)", at: config.path)
        }
        var model = try whole(pattern(letters, config), .bamba, config)
        try model.readMamba(config)
        try model.readAttention(config)
        try model.readRotary(config, share: 0.5)
        // A share that is none is refused with the other numbers.
        let channels = (model.rotaryShare * Double(model.attentionHeadSize)).rounded()
        if (0...1).contains(model.rotaryShare), let turned = Int(exactly: channels) {
            try config.expect(
                "attn_rotary_emb", among: [.integer(turned), .number(channels)],
                computed: "rotary positions turn \(turned) of a head's \(model.attentionHeadSize) channels")
        }
        model.attentionBias = try config.flag("attention_bias", or: false)
        model.attentionOutputBias = model.attentionBias
        model.feedForwardSize = try config.integer("intermediate_size", or: 14336)
        model.feedForwardBias = try config.flag("mlp_bias", or: false)
        model.activation = try activation(try config.text("hidden_act", or: "silu"), config)
        // One key for both: transformers' scan takes the MLPs' activation.
        if model.pattern.count(of: .mamba) > 0 { try config.expectSilu("hidden_act") }
        model.gatedMLP = true
        model.normEpsilon = try config.number("rms_norm_eps", or: 1e-5)
        model.tiedEmbeddings = try config.flag("tie_word_embeddings", or: false)
        return model
    }

    static func granite(_ config: ConfigReader) throws(UserError) -> ModelSection {
        let experts = try config.integer("num_local_experts", or: 8)
        let last = experts > 0 ? "E" : "-"
        let kinds = ["mamba": "M", "linear_attention": "M", "attention": "*", "full_attention": "*"]
        let count = min(try config.integer("num_hidden_layers", or: 32), Limits.layersMax)
        let words =
            try config.words("layer_types", "layers_block_type")
            ?? Array(repeating: "mamba", count: count)
        guard words.count == count else {
            throw UserError(
                "'layer_types' lists \(words.count) layers, num_hidden_layers is \(count)", at: config.path)
        }
        let letters = try Self.letters(words, kinds, "layer_types", config).map { "\($0)\(last)" }.joined()
        var model = try whole(pattern(letters, config), .granite, config)
        try model.readMamba(config)
        try model.readAttention(config)
        model.attentionScale = try config.number("attention_multiplier", or: 1)
        model.attentionBias = try config.flag("attention_bias", or: false)
        model.attentionOutputBias = model.attentionBias
        if try config.text("position_embedding_type", or: "none") == "rope" {
            try model.readRotary(config, share: 1)
        }
        let shared = try config.integer("shared_intermediate_size", or: 1024)
        if experts > 0 {
            model.experts = experts
            model.expertsPerToken = try config.integer("num_experts_per_tok", or: 2)
            model.expertSize = try config.integer("intermediate_size", or: 11008)
            model.sharedExpertSize = shared
        } else {
            model.feedForwardSize = shared
        }
        model.activation = try activation(try config.text("hidden_act", or: "silu"), config)
        // One key for both: transformers' scan takes the MLPs' activation.
        if model.pattern.count(of: .mamba) > 0 { try config.expectSilu("hidden_act") }
        model.gatedMLP = true
        model.normEpsilon = try config.number("rms_norm_eps", or: 1e-6)
        try config.expect(
            "normalization_function", among: [.text("rmsnorm")], computed: "its norms are those of its class, rmsnorm")
        model.embeddingMultiplier = try config.number("embedding_multiplier", or: 1)
        model.residualMultiplier = try config.number("residual_multiplier", or: 1)
        model.logitsDivisor = try config.number("logits_scaling", or: 1)
        model.tiedEmbeddings = try config.flag("tie_word_embeddings", or: false)
        return model
    }

    static func recurrentGemma(_ config: ConfigReader) throws(UserError) -> ModelSection {
        let cycle = try config.words("block_types", "_block_types") ?? ["recurrent", "recurrent", "attention"]
        guard !cycle.isEmpty else { throw config.wrong("block_types", "a list of layers") }
        let count = min(try config.integer("num_hidden_layers", or: 26), Limits.layersMax)
        let words = (0..<count).map { cycle[$0 % cycle.count] }
        let letters = try Self.letters(words, ["recurrent": "R-", "attention": "W-"], "block_types", config)
        var model = try whole(pattern(letters, config), .recurrentGemma, config)
        try model.readAttention(config)
        try model.readRotary(config, share: 0.5)
        model.window = try config.integer("attention_window_size", or: 2048)
        model.attentionBias = try config.flag("attention_bias", or: false)
        model.attentionOutputBias = true
        model.recurrentWidth = try config.integer("lru_width", or: model.hiddenSize)
        model.recurrentBlocks = model.attentionHeads
        model.convolutionKernel = try config.integer("conv1d_width", or: 4)
        model.feedForwardSize = try config.integer("intermediate_size", or: 7680) / 2
        model.feedForwardBias = true
        model.activation = try activation(try config.text("hidden_activation", or: "gelu_pytorch_tanh"), config)
        model.gatedMLP = true
        model.normEpsilon = try config.number("rms_norm_eps", or: 1e-6)
        model.normPlusOne = true
        model.tiedEmbeddings = try config.flag("tie_word_embeddings", or: true)
        model.logitsSoftcap = try config.number("logits_soft_cap", or: 30)
        model.embeddingMultiplier = gemmaMultiplier(model.hiddenSize)
        return model
    }

    /// √width, as transformers has it: rounded to bf16.
    static func gemmaMultiplier(_ width: Int) -> Double {
        let bits = Float(Double(width).squareRoot()).bitPattern
        let rounded = (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000
        return Double(Float(bitPattern: rounded))
    }
}
