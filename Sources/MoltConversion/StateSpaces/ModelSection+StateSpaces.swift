import MoltCore
import MoltRecipe

extension ModelSection {
    /// The model of mamba_ssm's config.json; defaults are that library's.
    init(stateSpaces config: ConfigReader) throws(UserError) {
        let width = try config.integer("d_model")
        let layers = min(try config.integer("n_layer"), Limits.layersMax)
        let scan = config.inner("ssm_cfg")
        let kind = try scan.text("layer", or: "Mamba1")
        guard kind == "Mamba1" || kind == "Mamba2" else {
            throw UserError("the layer '\(DisplayText.escaped(kind))' is not known", at: config.path)
        }
        guard try config.integer("d_intermediate", or: 0) == 0, try config.flag("rms_norm", or: true) else {
            throw UserError(
                "it describes MLPs (d_intermediate) or layer norms, and mamba_ssm's published models have neither",
                at: config.path)
        }
        let attention = Set(try config.numbers("attn_layer_idx") ?? [])
        let letter = kind == "Mamba1" ? "1" : "M"
        let letters = (0..<layers).map { attention.contains(Double($0)) ? "*" : letter }.joined()
        self.init(pattern: try Self.pattern(letters, config), hiddenSize: width, mambaHeads: 0)
        family = kind == "Mamba1" ? .hybrid : .mamba2
        let rows = try config.integer("vocab_size")
        let multiple = try config.integer("pad_vocab_size_multiple", or: 8)
        vocabularySize = (rows + max(1, multiple) - 1) / max(1, multiple) * max(1, multiple)
        tiedEmbeddings = try config.flag("tie_embeddings", or: true)
        residualInFP32 = try config.flag("residual_in_fp32", or: true)
        stateSize = try scan.integer("d_state", or: kind == "Mamba1" ? 16 : 128)
        convolutionKernel = try scan.integer("d_conv", or: 4)
        convolutionBias = try scan.flag("conv_bias", or: true)
        mambaBias = try scan.flag("bias", or: false)
        let inner = width * (try scan.integer("expand", or: 2))
        if kind == "Mamba1" {
            innerSize = inner
        } else {
            mambaHeadSize = try scan.integer("headdim", or: 64)
            guard mambaHeadSize > 0, inner % mambaHeadSize == 0 else {
                throw UserError("heads of \(mambaHeadSize) do not divide \(inner) channels", at: config.path)
            }
            mambaHeads = inner / mambaHeadSize
            groups = try scan.integer("ngroups", or: 1)
            chunkSize = try scan.integer("chunk_size", or: 256)
            normBeforeGate = try scan.flag("norm_before_gate", or: false)
            try readStepLimit(scan, "dt_limit")
        }
        if !attention.isEmpty { try readAttention(stateSpaces: config.inner("attn_cfg")) }
        var problems: [String] = []
        ModelCheck(self) { _, what, _ in problems.append(what) }.run()
        if let first = problems.first { throw UserError("it describes no model: \(first)", at: config.path) }
    }

    private mutating func readAttention(stateSpaces config: ConfigReader) throws(UserError) {
        attentionHeads = try config.integer("num_heads")
        keyValueHeads = try config.integer("num_heads_kv", or: attentionHeads)
        guard attentionHeads > 0 else { throw config.wrong("num_heads", "above zero") }
        attentionHeadSize = try config.integer("head_dim", or: hiddenSize / attentionHeads)
        attentionConvolution = try config.integer("d_conv", or: 0)
        attentionBias = try config.flag("qkv_proj_bias", or: true)
        attentionOutputBias = try config.flag("out_proj_bias", or: true)
        rotaryShare = Double(try config.integer("rotary_emb_dim", or: 0)) / Double(max(1, attentionHeadSize))
        rotaryBase = try config.number("rotary_emb_base", or: 10_000)
        if config.has("softmax_scale") { attentionScale = try config.number("softmax_scale") }
        try config.expect(
            "rotary_emb_interleaved", among: [.flag(false)], computed: "rotary positions turn the halves of a head")
        try config.expect("causal", among: [.flag(true)], computed: "its attention sees no later tokens")
    }
}
