import FoundationEssentials
package import MoltCheckpoint
package import MoltCore
import MoltRecipe

/// Writes a model as NeMo's archive: model_config.yaml, weights for each rank of tensor parallelism, and the tokenizer.
package struct NemoExport {
    private let weights: any ModelWeights
    private let layout: MegatronExport
    private let ranks: Int

    package init(_ weights: any ModelWeights, type: StoredType?, ranks: Int) throws(UserError) {
        (self.weights, self.ranks) = (weights, ranks)
        layout = try MegatronExport(weights, type: type, ranks: ranks)
    }

    /// - Parameter path: of the archive, which must not be there; the tokenizer lies beside it for a while.
    package func write(to path: String) throws {
        let scratch = "\(path).tokenizer"
        try DurableFile.makeFolder(scratch)
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let main = try weights.copyTokenizer(into: scratch)
        var archive = TarWriter(try OrderedFile(creating: path))
        try archive.add(folder: ".")
        var inside: String?
        for name in TokenizerFiles(scratch).present {
            let bytes = Array(try DurableFile.read("\(scratch)/\(name)", limit: Limits.tokenizerBytesMax))
            // NeMo names what belongs to a model by a hash, and finds it by its configuration.
            let isMain = name == main && name.hasSuffix(".model")
            let stored = isMain ? "\(Self.hash(bytes))_\(name)" : name
            if isMain { inside = stored }
            try archive.add("./\(stored)", bytes)
        }
        try archive.add("./\(NemoCheckpoint.config)", Array(config(tokenizer: main, inside: inside).utf8))
        for rank in 0..<ranks {
            let folder = ranks == 1 ? "." : "./\(MegatronFiles.name(rank))"
            if ranks > 1 { try archive.add(folder: folder) }
            try archive.add("\(folder)/model_weights.ckpt") { file in
                let tensors = layout.tensors.map {
                    PlannedTensor(name: "model.\($0.name)", type: $0.type, shape: $0.shape)
                }
                let root = PickleTree.dictionary(
                    tensors.enumerated().map { (.text($0.element.name), .tensor($0.offset)) })
                _ = try TorchFileWriter.append(root, tensors, to: &file) { try layout.contents($0, rank: rank) }
            }
        }
        try archive.finish().close()
    }

    private static func hash(_ bytes: [UInt8]) -> String {
        var hash = FileHash()
        bytes.withUnsafeBytes { hash.update($0) }
        return String(hash.text().prefix(32))
    }

    /// The keys of NeMo's megatron_mamba_config.yaml, section `model`. Words are quoted as in JSON, which is YAML.
    private func config(tokenizer: String?, inside: String?) -> String {
        let model = weights.section
        let word: String =
            switch (model.activation, model.gatedMLP) {
            case (.squaredReLU, _): "squared-relu"
            case (.silu, _): "swiglu"
            case (.gelu, let isGated), (.geluTanh, let isGated): isGated ? "geglu" : "gelu"
            }
        let names = [
            "norm_epsilon": "layernorm_epsilon", "rotary_percent": "rotary_percentage",
            "padded_vocab_size": "vocab_size",
        ]
        let notNemo = [
            "swiglu", "squared_relu", "group_query_attention", "untie_embeddings_and_output_weights",
            "mamba_inner_size",
        ]
        var values = MegatronExport.settings(model, ranks: ranks).filter { !notNemo.contains($0.key) }
            .map { (key: names[$0.key] ?? $0.key, value: $0.value) }
        values += [
            ("mamba_ssm_ngroups", .integer(model.groups)), ("activation", .text(word)),
            ("gated_linear_unit", .flag(model.gatedMLP)), ("add_bias_linear", .flag(model.feedForwardBias)),
            ("share_embeddings_and_output_weights", .flag(model.tiedEmbeddings)), ("mcore_gpt", .flag(true)),
            ("transformer_block_type", .text("pre_ln")), ("make_vocab_size_divisible_by", .integer(1)),
            (
                "target",
                .text("nemo.collections.nlp.models.language_modeling.megatron_mamba_model.MegatronMambaModel")
            ),
        ]
        let library = inside != nil ? "sentencepiece" : tokenizer == "tokenizer.json" ? "huggingface" : nil
        let lines = values.map { "\($0.key): \($0.value.scalar)" }
            + (library == "huggingface"
                ? ["# NeMo finds such tokenizers by 'type': name the folder that this archive was unpacked to."] : [])
            + [
                "tokenizer:", "  library: \((library.map { JSONTree.text($0) } ?? .null).scalar)", "  type: null",
                "  model: \((inside.map { JSONTree.text("nemo:\($0)") } ?? .null).scalar)", "  vocab_file: null",
                "  merge_file: null",
            ]
        return lines.map { $0 + "\n" }.joined()
    }
}

extension JSONTree {
    /// As YAML of any version reads it: a fraction is written before an exponent. Empty for what holds others.
    fileprivate var scalar: String {
        switch self {
        case .null: return "null"
        case .flag(let flag): return flag ? "true" : "false"
        case .integer(let integer): return "\(integer)"
        case .number(let number):
            let text = "\(number)"
            return text.contains(".") ? text : text.replacing("e", with: ".0e")
        case .text(let text): return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        case .list, .object: return ""
        }
    }
}
