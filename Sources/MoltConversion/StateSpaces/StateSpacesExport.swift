import FoundationEssentials
package import MoltCheckpoint
package import MoltCore
import MoltModels
import MoltRecipe

/// Writes a model as mamba_ssm's folders: its config.json, and weights in pytorch_model.bin,
/// the tokenizer's files beside them.
package struct StateSpacesExport {
    private let weights: any ModelWeights
    private let type: StoredType?
    private let config: [String: JSONTree]

    package init(_ weights: any ModelWeights, type: StoredType?) throws(UserError) {
        (self.weights, self.type) = (weights, type)
        config = Self.config(weights.section)
        let read = try? ModelSection(stateSpaces: ConfigReader(path: "config.json", fields: config))
        guard let read, read.relevant.architecture == weights.section.relevant.architecture else {
            throw UserError(
                "mamba_ssm has no model with these layers and sizes ('family: \(weights.section.family.rawValue)', "
                    + "\(weights.section.pattern))", at: weights.place, fix: "export it with --format hf")
        }
    }

    /// Fills an empty folder.
    package func write(into folder: String) throws {
        let plan = try WeightsPlan(weights).tensors.map { own, shape in
            (own, PlannedTensor(name: own, type: type ?? weights.tensors[own]?.type ?? .float32, shape: shape))
        }
        var entries = plan.enumerated().map { index, planned in
            (
                planned.0.replacing("backbone.embeddings.", with: "backbone.embedding."), PickleTree.tensor(index)
            )
        }
        if weights.section.tiedEmbeddings,
            let index = plan.firstIndex(where: { $0.0 == "backbone.embeddings.weight" })
        {
            entries.append(("lm_head.weight", .tensor(index)))
        }
        try TorchFileWriter.write(
            .fields(entries), plan.map(\.1), to: "\(folder)/\(StateSpacesFolder.weightsName)"
        ) { index in
            try weights.read(plan[index].0).converted(to: plan[index].1.type).bytes
        }
        try DurableFile.write(JSONTree.file(config), to: "\(folder)/config.json")
        _ = try weights.copyTokenizer(into: folder)
    }

    private static func config(_ model: ModelSection) -> [String: JSONTree] {
        let isFirst = model.pattern.count(of: .mamba1) > 0
        let inner = isFirst ? model.mamba1Width : model.mambaHeads * model.mambaHeadSize
        var scan: [String: JSONTree] = [
            "layer": .text(isFirst ? "Mamba1" : "Mamba2"), "d_state": .integer(model.stateSize),
            "d_conv": .integer(model.convolutionKernel), "expand": .integer(inner / model.hiddenSize),
            "bias": .flag(model.mambaBias), "conv_bias": .flag(model.convolutionBias),
        ]
        if !isFirst {
            scan["headdim"] = .integer(model.mambaHeadSize)
            scan["ngroups"] = .integer(model.groups)
            scan["chunk_size"] = .integer(model.chunkSize)
            scan["norm_before_gate"] = .flag(model.normBeforeGate)
            if model.stepMinimum > 0 || model.stepMaximum != nil {
                // JSON has no infinity.
                scan["dt_limit"] = .list([.number(model.stepMinimum), .number(model.stepMaximum ?? 1e38)])
            }
        }
        let attention = model.pattern.layers.enumerated().filter { $0.element == .attention }.map(\.offset)
        var config: [String: JSONTree] = [
            "d_model": .integer(model.hiddenSize), "d_intermediate": .integer(0),
            "n_layer": .integer(model.pattern.layers.count), "vocab_size": .integer(model.vocabularySize ?? 0),
            "pad_vocab_size_multiple": .integer(1), "tie_embeddings": .flag(model.tiedEmbeddings),
            "rms_norm": .flag(true), "residual_in_fp32": .flag(model.residualInFP32), "fused_add_norm": .flag(true),
            "ssm_cfg": .object(scan), "attn_layer_idx": .list(attention.map { .integer($0) }),
            "attn_cfg": .object([:]),
        ]
        if !attention.isEmpty {
            let turned = Double(model.attentionHeadSize) * model.rotaryShare
            config["attn_cfg"] = .object([
                "causal": .flag(true), "num_heads": .integer(model.attentionHeads),
                "num_heads_kv": .integer(model.keyValueHeads), "head_dim": .integer(model.attentionHeadSize),
                "d_conv": .integer(model.attentionConvolution), "qkv_proj_bias": .flag(model.attentionBias),
                "out_proj_bias": .flag(model.attentionOutputBias), "rotary_emb_dim": .integer(Int(turned)),
                "rotary_emb_base": .number(model.rotaryBase),
                "softmax_scale": model.attentionScale.map { .number($0) } ?? .null,
            ])
        }
        return config
    }
}
