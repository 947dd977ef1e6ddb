import MoltCore

/// How the weights change: all of them, some of them, or adapters beside them.
package struct MethodSection: Codable, Hashable, Sendable {
    package var type: MethodType = .full
    /// Of LoRA's and DoRA's updates; the inner width of bottleneck adapters.
    package var rank: Int = 16
    package var alpha: Double = 32
    /// Patterns of module names (the last path component, or a glob over the whole path).
    package var targets: [String] = []
    /// The share of inputs that LoRA's and DoRA's updates do not see in training.
    package var dropout: Double = 0
    /// Scales by alpha / √rank in place of alpha / rank.
    package var isRankStabilized: Bool = false
    /// Trained embeddings before every document; trained keys and values of a prefix.
    package var virtualTokens: Int = 20
    /// The text whose embeddings prompt tuning starts from; nil starts from random ones.
    package var promptText: String?
    /// What P-tuning makes its embeddings with.
    package var encoder: PromptEncoder = .mlp
    /// The inner width of P-tuning's encoder; nil for that of the model.
    package var encoderSize: Int?
    /// Patterns of parameters that full fine-tuning leaves as they are, or the only ones that it trains.
    package var freeze: [String] = []
    package var trainOnly: [String] = []

    package enum MethodType: String, Codable, Sendable, CaseIterable {
        case full, lora, dora, bottleneck
        case promptTuning = "prompt_tuning"
        case pTuning = "p_tuning"
        case prefix

        /// Whether the weights that the run starts from stay as they are.
        package var adapts: Bool { self != .full }
        /// Whether what it trains can go into the weights.
        package var merges: Bool { self == .lora || self == .dora }
    }

    package enum PromptEncoder: String, Codable, Sendable, CaseIterable { case mlp }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case type, rank, alpha, targets, dropout, freeze, encoder
        case isRankStabilized = "rslora"
        case virtualTokens = "virtual_tokens"
        case promptText = "prompt_text"
        case encoderSize = "encoder_size"
        case trainOnly = "train_only"
    }

    package init() {}

    /// A recipe that was frozen before a key was known has that key's default, and so has a checkpoint.
    package init(from decoder: any Decoder) throws {
        self.init()
        let frozen = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ field: WritableKeyPath<Self, Value>) throws {
            if let value = try frozen.decodeIfPresent(Value.self, forKey: key) { self[keyPath: field] = value }
        }
        try read(.type, \.type)
        try read(.rank, \.rank)
        try read(.alpha, \.alpha)
        try read(.targets, \.targets)
        try read(.dropout, \.dropout)
        try read(.isRankStabilized, \.isRankStabilized)
        try read(.virtualTokens, \.virtualTokens)
        promptText = try frozen.decodeIfPresent(String.self, forKey: .promptText)
        try read(.encoder, \.encoder)
        encoderSize = try frozen.decodeIfPresent(Int.self, forKey: .encoderSize)
        try read(.freeze, \.freeze)
        try read(.trainOnly, \.trainOnly)
    }
}

extension MethodSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> MethodSection {
        var reader = SectionReader(
            tree, path: "method", section: MethodSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.type, \.type, .choice)
        reader.read(.rank, \.rank, .count(1...65536))
        reader.read(.alpha, \.alpha, .number(1e-6...1e6, "a positive number"))
        reader.read(.targets, \.targets, .list(.text))
        reader.read(.dropout, \.dropout, .number(0...0.999, "a number from 0 to below 1"))
        reader.read(.isRankStabilized, \.isRankStabilized, .flag)
        reader.read(.virtualTokens, \.virtualTokens, .count(1...65536))
        reader.read(.promptText, \.promptText, .argument)
        reader.read(.encoder, \.encoder, .promptEncoder)
        reader.read(.encoderSize, \.encoderSize, .count(1...(1 << 24)))
        reader.read(.freeze, \.freeze, .list(.text))
        reader.read(.trainOnly, \.trainOnly, .list(.text))
        return reader.finished()
    }
}

extension Reading where Value == MethodSection.PromptEncoder {
    /// Recipes for other tools may name the encoder of Liu et al.
    fileprivate static var promptEncoder: Reading {
        Reading { tree throws(Failure) in
            if case .scalar(let text, _) = tree.value, text.lowercased() == "lstm" {
                throw Failure(what: "P-tuning's encoder is an MLP here, and none with an LSTM is built in: say 'mlp'")
            }
            return try Reading.choice.read(tree)
        }
    }
}
