import MoltCore

/// Text in, packed tokens out.
package struct DataSection: Hashable, Sendable {
    /// JSONL (`text`, `prompt` and `completion`, or `messages`) and plain text files, folders or globs, or folders that
    /// `molt data prepare` made. Every path of a blend or of phases is here, too.
    package var train: [String]
    /// The weights, where `train` has them; nil takes documents as they come.
    package var blend: [BlendPart]?
    /// Blends that follow each other; nil for one, or none.
    package var phases: [BlendPhase]?
    package var validation: [String] = []
    /// `bytes`, or a tokenizer file; nil takes that of the model in `init_from`, and without one the bytes.
    package var tokenizer: String?
    /// How conversations are written: a template's file, or `plain`; nil takes the tokenizer's own template.
    package var chatTemplate: String?
    package var sequenceLength: Int = 1024
    package var packing = Packing.runOn
    /// Documents are shuffled by this seed and the epoch of the data; nil means `train.seed`.
    package var shuffleSeed: Int?
    /// Makes the sequences instead of reading `train`.
    package var synthetic: SyntheticSection?

    package enum Packing: Hashable, Sendable {
        /// Every document begins a sequence.
        case apart
        /// Documents follow each other, and texts run on into the next sequence.
        case runOn
        /// Each document goes where it leaves the least room, and is not cut unless it is longer than a sequence.
        case bestFit
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case train, phases, validation, tokenizer
        case chatTemplate = "chat_template"
        case packing, synthetic
        case sequenceLength = "sequence_length"
        case shuffleSeed = "shuffle_seed"
    }

    package init(train: [String]) {
        self.train = train
    }

    /// What the key `train` says.
    var mix: DataMix {
        get { phases == nil ? DataMix(paths: train, blend: blend) : DataMix(paths: [], blend: nil) }
        set { (train, blend) = (newValue.paths, newValue.blend) }
    }

    /// Every path of the phases, each once.
    mutating func takePathsFromPhases() {
        guard let phases else { return }
        var seen: Set<String> = []
        train = phases.flatMap(\.blend).map(\.path).filter { seen.insert($0).inserted }
    }
}

extension DataSection: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(train: [])
        let frozen = try decoder.container(keyedBy: CodingKeys.self)
        if let paths = try? frozen.decodeIfPresent([String].self, forKey: .train) {
            train = paths
        } else {
            let parts = try frozen.decode([BlendPart].self, forKey: .train)
            mix = DataMix(paths: parts.map(\.path), blend: parts)
        }
        phases = try frozen.decodeIfPresent([BlendPhase].self, forKey: .phases)
        takePathsFromPhases()
        validation = try frozen.decodeIfPresent([String].self, forKey: .validation) ?? []
        tokenizer = try frozen.decodeIfPresent(String.self, forKey: .tokenizer)
        chatTemplate = try frozen.decodeIfPresent(String.self, forKey: .chatTemplate)
        packing = try frozen.decodeIfPresent(Packing.self, forKey: .packing) ?? packing
        sequenceLength = try frozen.decodeIfPresent(Int.self, forKey: .sequenceLength) ?? sequenceLength
        shuffleSeed = try frozen.decodeIfPresent(Int.self, forKey: .shuffleSeed)
        synthetic = try frozen.decodeIfPresent(SyntheticSection.self, forKey: .synthetic)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        if let blend = mix.blend {
            try container.encode(blend, forKey: .train)
        } else {
            try container.encode(mix.paths, forKey: .train)
        }
        try container.encodeIfPresent(phases, forKey: .phases)
        try container.encode(validation, forKey: .validation)
        try container.encodeIfPresent(tokenizer, forKey: .tokenizer)
        try container.encodeIfPresent(chatTemplate, forKey: .chatTemplate)
        try container.encode(packing, forKey: .packing)
        try container.encode(sequenceLength, forKey: .sequenceLength)
        try container.encodeIfPresent(shuffleSeed, forKey: .shuffleSeed)
        try container.encodeIfPresent(synthetic, forKey: .synthetic)
    }
}

extension DataSection.Packing: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let isOn = try? container.decode(Bool.self) {
            self = isOn ? .runOn : .apart
            return
        }
        guard try container.decode(String.self) == "best_fit" else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "an unknown packing")
        }
        self = .bestFit
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .apart: try container.encode(false)
        case .runOn: try container.encode(true)
        case .bestFit: try container.encode("best_fit")
        }
    }
}
