import MoltCore
import MoltRecipe

/// What Megatron's arguments say and shapes do not.
struct MegatronSettings {
    /// By Megatron's names, as a script's options with underscores.
    let values: [String: JSONTree]

    init(_ values: [String: JSONTree]) {
        self.values = values
    }

    init(_ heap: PickleHeap, _ arguments: PickleValue?) {
        var values: [String: JSONTree] = [:]
        let fields = if let arguments { heap.fields(arguments) } else { [(key: String, value: PickleValue)]() }
        for (key, value) in fields {
            switch value {
            case .integer(let integer): values[key] = .integer(integer)
            case .number(let number): values[key] = .number(number)
            case .flag(let flag): values[key] = .flag(flag)
            case .text(let text): values[key] = .text(text)
            case .null, .bytes, .global, .object: break
            }
        }
        self.values = values
    }

    func integer(_ keys: String...) -> Int? {
        for key in keys {
            if case .integer(let integer)? = values[key], 1...Limits.sizeMax ~= integer { return integer }
        }
        return nil
    }

    func number(_ keys: String...) -> Double? {
        for key in keys {
            switch values[key] {
            case .number(let number)?: return number
            case .integer(let integer)?: return Double(integer)
            default: continue
            }
        }
        return nil
    }

    func flag(_ key: String) -> Bool { values[key] == .flag(true) }

    func text(_ key: String) -> String? {
        if case .text(let text)? = values[key] { text } else { nil }
    }

    /// The model of the tensors with these shapes, whole ones, under Megatron's current names.
    func section(_ shapes: [String: [Int]], at place: String) throws(UserError) -> ModelSection {
        guard let embeddings = shapes["embedding.word_embeddings.weight"], embeddings.count == 2 else {
            throw UserError("the tensor 'embedding.word_embeddings.weight' is missing", at: place)
        }
        if let (name, shape) = shapes.first(where: { !Self.isPossible($0.value) }) {
            throw UserError(
                "the tensor '\(DisplayText.escaped(name, limit: 200))' has the shape \(shape.prefix(20)), "
                    + "and no model's has that", at: place)
        }
        try refuseOtherNorms(place)
        let pattern = try Self.pattern(shapes, place)
        var model = ModelSection(pattern: pattern, hiddenSize: embeddings[1], mambaHeads: 0)
        model.family = pattern.count(of: .mamba) == pattern.layers.count ? .mamba2 : .nemotronH
        model.vocabularySize = embeddings[0]
        model.tiedEmbeddings = shapes["output_layer.weight"] == nil
        model.normEpsilon = number("norm_epsilon", "layernorm_epsilon") ?? 1e-5
        model.initializerRange = number("init_method_std") ?? 0.02
        for (index, kind) in pattern.layers.enumerated() {
            let layer = "decoder.layers.\(index)."
            let own = shapes.filter { $0.key.hasPrefix(layer) }
            func shape(_ name: String, _ count: Int) throws(UserError) -> [Int] {
                guard let shape = own[layer + name], shape.count == count, shape.allSatisfy({ $0 > 0 }) else {
                    throw UserError(
                        "the tensor '\(layer)\(name)' is missing, or has no shape that it can have", at: place)
                }
                return shape
            }
            switch kind {
            case .mamba: try readMamba(&model, shape, place)
            case .attention:
                try readAttention(&model, shape, place)
                model.attentionBias = own.keys.contains(layer + "self_attention.linear_qkv.bias")
                model.attentionOutputBias = own.keys.contains(layer + "self_attention.linear_proj.bias")
            default: try readMLP(&model, shape, own.keys.contains(layer + "mlp.linear_fc1.bias"), place)
            }
        }
        var problems: [String] = []
        ModelCheck(model) { _, what, _ in problems.append(what) }.run()
        if let first = problems.first { throw UserError("it describes no model: \(first)", at: place) }
        try compare(model, at: place)
        return model
    }

    /// Whether sizes made of it can be counted.
    private static func isPossible(_ shape: [Int]) -> Bool {
        shape.count <= Limits.dimensionsMax && shape.allSatisfy { 0...Limits.sizeMax ~= $0 }
    }

    /// Which layer is what, from what it holds.
    private static func pattern(_ shapes: [String: [Int]], _ place: String) throws(UserError) -> LayerPattern {
        var kinds: [Int: Character] = [:]
        for name in shapes.keys {
            guard let (index, rest) = MegatronNames.layer(name) else { continue }
            for (prefix, letter) in [
                ("mixer.in_proj.weight", "M"), ("self_attention.linear_qkv.weight", "*"),
                ("mlp.linear_fc1.weight", "-"),
            ]
            where rest == prefix || rest.hasPrefix("\(prefix).") {
                guard kinds.updateValue(Character(letter), forKey: index).map({ "\($0)" == letter }) ?? true else {
                    throw UserError(
                        "the layer \(index) is of two kinds: transformer blocks are not Mamba hybrids", at: place)
                }
            }
        }
        let count = (kinds.keys.max() ?? -1) + 1
        guard count > 0, kinds.count == count else {
            let lost = (0..<count).first { kinds[$0] == nil } ?? 0
            throw UserError("the layer \(lost) of \(count) is missing", at: place, fix: "are all ranks' files there?")
        }
        do throws(LayerPatternError) {
            return try LayerPattern(parsing: String((0..<count).compactMap { kinds[$0] }))
        } catch { throw UserError("\(error)", at: place) }
    }

    private typealias Shape = (String, Int) throws(UserError) -> [Int]

    private func readMamba(_ model: inout ModelSection, _ shape: Shape, _ place: String) throws(UserError) {
        model.mambaHeads = try shape("mixer.A_log", 1)[0]
        let inner = try shape("mixer.norm.weight", 1)[0]
        let conv = try shape("mixer.conv1d.weight", 3)
        model.mambaHeadSize = inner / model.mambaHeads
        model.groups = groups(rows: conv[0] - inner)
        model.stateSize = (conv[0] - inner) / 2 / model.groups
        model.convolutionKernel = conv[2]
        guard model.mambaHeadSize * model.mambaHeads == inner, inner + 2 * model.groups * model.stateSize == conv[0]
        else {
            throw UserError(
                "\(inner) channels, \(conv[0]) convolved ones, \(model.mambaHeads) heads and \(model.groups) groups "
                    + "fit no Mamba-2 layer", at: place)
        }
        guard groups != nil || model.mambaHeads % model.groups == 0 else {
            throw UserError(
                "its settings do not say how many groups a Mamba-2 layer has, and Megatron's \(model.groups) cannot "
                    + "divide \(model.mambaHeads) heads", at: place,
                fix: "name them as mamba_num_groups, in 'args' of the files or in model_config.yaml (NeMo)")
        }
    }

    private func readAttention(_ model: inout ModelSection, _ shape: Shape, _ place: String) throws(UserError) {
        guard let heads = integer("num_attention_heads") else {
            throw UserError("the arguments beside the weights do not say num_attention_heads", at: place)
        }
        let out = try shape("self_attention.linear_proj.weight", 2)[1]
        let rows = try shape("self_attention.linear_qkv.weight", 2)[0]
        model.attentionHeads = heads
        model.attentionHeadSize = max(1, out / heads)
        model.keyValueHeads = max(1, (rows - out) / 2 / model.attentionHeadSize)
        if text("position_embedding_type") == "rope" {
            try refuseOtherRotations(place)
            model.rotaryShare = number("rotary_percent", "rotary_percentage") ?? 1
            model.rotaryBase = number("rotary_base") ?? 10_000
        }
    }

    private func readMLP(
        _ model: inout ModelSection, _ shape: Shape, _ bias: Bool, _ place: String
    ) throws(UserError) {
        let rows = try shape("mlp.linear_fc1.weight", 2)[0]
        let inner = try shape("mlp.linear_fc2.weight", 2)[1]
        model.feedForwardSize = inner
        model.gatedMLP = rows == 2 * inner
        model.feedForwardBias = bias
        model.activation = try activation(place)
    }
}
