import FoundationEssentials
package import MoltCore
package import MoltRecipe

/// What a config.json says of a model, in a recipe's words. Both generations of names are read; defaults are those of
/// transformers' classes.
extension ModelSection {
    /// The type that config.json gives where transformers has no class for a model: its key `molt` is a model section.
    static let ownType = "molt"

    package init(config path: String) throws(UserError) {
        try self.init(config: ConfigReader(path: path, fields: JSONTree.object(in: path)))
    }

    init(config: ConfigReader) throws(UserError) {
        let type = try config.text("model_type", or: "")
        switch type {
        case "mamba2": self = try .mamba2(config)
        case "nemotron_h": self = try .nemotron(config)
        case "bamba": self = try .bamba(config)
        case "granitemoehybrid": self = try .granite(config)
        case "recurrent_gemma": self = try .recurrentGemma(config)
        case Self.ownType: self = try .own(config)
        default:
            throw UserError(
                type.isEmpty
                    ? "'model_type' is missing" : "models of type '\(DisplayText.escaped(type))' are not known",
                at: config.path,
                fix: "known are mamba2, nemotron_h, bamba, granitemoehybrid, recurrent_gemma and Molt's own exports")
        }
        var problems: [String] = []
        ModelCheck(self) { _, what, _ in problems.append(what) }.run()
        if let first = problems.first { throw UserError("it describes no model: \(first)", at: config.path) }
    }

    private static func own(_ config: ConfigReader) throws(UserError) -> ModelSection {
        guard let tree = config.fields["molt"], let data = try? JSONEncoder().encode(tree),
            let section = try? BoundedJSON().decode(ModelSection.self, from: data)
        else { throw config.wrong("molt", "a model section") }
        return section
    }

    static func pattern(_ letters: String, _ config: ConfigReader) throws(UserError) -> LayerPattern {
        do throws(LayerPatternError) {
            return try LayerPattern(parsing: letters)
        } catch { throw UserError("\(error)", at: config.path) }
    }

    /// A letter for each word of a list, or an error that names the word.
    static func letters(
        _ words: [String], _ known: [String: String], _ key: String, _ config: ConfigReader
    ) throws(UserError) -> String {
        var text = ""
        for word in words {
            guard let letter = known[word] else {
                throw UserError(
                    "'\(key)' has the layer '\(DisplayText.escaped(word))', which is not known", at: config.path)
            }
            text += letter
        }
        return text
    }

    static func activation(_ name: String, _ config: ConfigReader) throws(UserError) -> Activation {
        switch name {
        case "silu", "swish": return .silu
        case "gelu": return .gelu
        case "gelu_pytorch_tanh", "gelu_new", "gelu_fast": return .geluTanh
        case "relu2": return .squaredReLU
        default: throw UserError("the activation '\(DisplayText.escaped(name))' is not known", at: config.path)
        }
    }

    /// What the families share: sizes of the whole, under the names of most.
    static func whole(_ pattern: LayerPattern, _ family: Family, _ config: ConfigReader) throws(UserError)
        -> ModelSection
    {
        var model = ModelSection(pattern: pattern, hiddenSize: try config.integer("hidden_size"), mambaHeads: 0)
        model.family = family
        model.vocabularySize = try config.integer("vocab_size")
        model.initializerRange = try config.number("initializer_range", or: 0.02)
        model.residualInFP32 = false
        return model
    }

    /// The bounds of the step; those that bound nothing are none.
    mutating func readStepLimit(
        _ config: ConfigReader, _ key: String = "time_step_limit"
    ) throws(UserError) {
        let limit = try config.numbers(key) ?? [0, .infinity]
        guard limit.count == 2, limit[0] >= 0, limit[0] < limit[1] else {
            throw config.wrong(key, "two numbers, the smaller one first")
        }
        stepMinimum = limit[0]
        stepMaximum = limit[1] > 1e30 ? nil : limit[1]
    }

    mutating func readAttention(_ config: ConfigReader) throws(UserError) {
        attentionHeads = try config.integer("num_attention_heads")
        keyValueHeads = try config.integer("num_key_value_heads", or: attentionHeads)
        guard attentionHeads > 0 else { throw config.wrong("num_attention_heads", "above zero") }
        attentionHeadSize = try config.integer("head_dim", "attention_head_dim", or: hiddenSize / attentionHeads)
    }

    /// - Parameter share: of each head that turns, unless the configuration says another one.
    mutating func readRotary(_ config: ConfigReader, share: Double) throws(UserError) {
        let inner = config.inner("rope_parameters")
        let scaling = config.inner("rope_scaling")
        rotaryShare = try inner.number(
            "partial_rotary_factor", or: try config.number("partial_rotary_factor", or: share))
        rotaryBase = try inner.number("rope_theta", or: try config.number("rope_theta", or: 10_000))
        switch try inner.text("rope_type", or: try scaling.text("rope_type", "type", or: "default")) {
        case "default": break
        case "linear":
            rotaryScaling = .linear
            rotaryFactor = try inner.number("factor", or: try scaling.number("factor", or: 1))
        case let type:
            throw UserError("rotary positions of type '\(DisplayText.escaped(type))' are not known", at: config.path)
        }
    }

    /// The scan of Bamba and Granite, which names its sizes alike.
    mutating func readMamba(_ config: ConfigReader) throws(UserError) {
        mambaHeads = try config.integer("mamba_n_heads", or: 128)
        guard mambaHeads > 0 else { throw config.wrong("mamba_n_heads", "above zero") }
        let inner = hiddenSize * (try config.integer("mamba_expand", or: 2))
        let isDerived = config.fields["mamba_d_head"] == .text("auto")
        mambaHeadSize = isDerived ? inner / mambaHeads : try config.integer("mamba_d_head", or: inner / mambaHeads)
        groups = try config.integer("mamba_n_groups", or: 1)
        stateSize = try config.integer("mamba_d_state", or: 256)
        convolutionKernel = try config.integer("mamba_d_conv", or: 4)
        chunkSize = try config.integer("mamba_chunk_size", or: 256)
        convolutionBias = try config.flag("mamba_conv_bias", or: true)
        mambaBias = try config.flag("mamba_proj_bias", or: false)
        try readStepLimit(config)
    }
}
