import MoltCore
import MoltRecipe

/// Megatron's tensors for a model of Mamba-2, attention and MLP layers, in the names of its current code.
struct MegatronPlan {
    let tensors: [MegatronTensor]

    private typealias Component = MegatronTensor.Component

    init(_ model: ModelSection, at place: String) throws(UserError) {
        try Self.refuse(model, place)
        let rows = model.vocabularySize ?? 0
        let width = model.hiddenSize
        var tensors = [
            MegatronTensor(
                name: "embedding.word_embeddings.weight", own: ["backbone.embeddings.weight"],
                cut: .rows([Component(name: "vocabulary", rows: rows)]), shape: [rows, width])
        ]
        for (index, kind) in model.pattern.layers.enumerated() {
            let own = "backbone.layers.\(index)"
            let theirs = "decoder.layers.\(index)"
            let norm: String
            switch kind {
            case .mamba:
                norm = "mixer.in_proj"
                tensors += Self.mamba(model, "\(own).mixer.", "\(theirs).mixer.")
            case .attention:
                norm = "self_attention.linear_qkv"
                tensors += Self.attention(model, "\(own).mixer.", "\(theirs).self_attention.")
            default:
                norm = "mlp.linear_fc1"
                tensors += Self.mlp(model, "\(own).mixer.", "\(theirs).mlp.")
            }
            tensors.append(
                MegatronTensor(
                    name: "\(theirs).\(norm).layer_norm_weight", own: ["\(own).norm.weight"], cut: .all,
                    shape: [width]))
        }
        tensors.append(
            MegatronTensor(
                name: "decoder.final_norm.weight", own: ["backbone.norm_f.weight"], cut: .all, shape: [width]))
        if !model.tiedEmbeddings {
            tensors.append(
                MegatronTensor(
                    name: "output_layer.weight", own: ["lm_head.weight"],
                    cut: .rows([Component(name: "vocabulary", rows: rows)]), shape: [rows, width]))
        }
        self.tensors = tensors
    }

    private static func refuse(_ model: ModelSection, _ place: String) throws(UserError) {
        let kinds: Set<LayerKind> = [.mamba, .attention, .mlp]
        let other = model.pattern.layers.first { !kinds.contains($0) }
        guard [.mamba2, .nemotronH, .hybrid].contains(model.family), other == nil,
            model.family != .mamba2 || model.pattern.count(of: .attention) == 0
        else {
            throw UserError(
                "Megatron's checkpoints hold Mamba-2, attention and MLP layers of 'family: nemotron_h' or 'mamba2', "
                    + "not \(other.map(\.name) ?? Self.foreign(model))", at: place,
                fix: "export it with --format hf")
        }
        guard !model.mambaBias, model.convolutionBias, !model.normPlusOne, model.embeddingMultiplier == 1,
            model.residualMultiplier == 1, model.logitsDivisor == 1, model.logitsSoftcap == nil
        else {
            throw UserError(
                "Megatron has no place for this model's biases or multipliers", at: place,
                fix: "export it with --format hf")
        }
    }

    private static func foreign(_ model: ModelSection) -> String {
        // Those of mamba_ssm may have a convolution, and lie under other names.
        model.family == .mamba2 ? "mamba_ssm's attention layers" : "those of '\(model.family.rawValue)'"
    }

    private static func mamba(_ model: ModelSection, _ own: String, _ theirs: String) -> [MegatronTensor] {
        let inner = model.mambaHeads * model.mambaHeadSize
        let group = model.groups * model.stateSize
        let mixed = [
            Component(name: "x", rows: inner, units: model.mambaHeads),
            Component(name: "B", rows: group, units: model.groups),
            Component(name: "C", rows: group, units: model.groups),
        ]
        let all =
            [Component(name: "z", rows: inner, units: model.mambaHeads)] + mixed + [
                Component(name: "dt", rows: model.mambaHeads)
            ]
        let heads = [Component(name: "heads", rows: model.mambaHeads)]
        func tensor(_ name: String, _ cut: MegatronTensor.Cut, _ shape: [Int]) -> MegatronTensor {
            MegatronTensor(name: theirs + name, own: [own + name], cut: cut, shape: shape)
        }
        let convolved = inner + 2 * group
        return [
            tensor("in_proj.weight", .rows(all), [inner + convolved + model.mambaHeads, model.hiddenSize]),
            tensor("conv1d.weight", .rows(mixed), [convolved, 1, model.convolutionKernel]),
            tensor("conv1d.bias", .rows(mixed), [convolved]),
            tensor("dt_bias", .rows(heads), [model.mambaHeads]), tensor("A_log", .rows(heads), [model.mambaHeads]),
            tensor("D", .rows(heads), [model.mambaHeads]),
            tensor("norm.weight", .rows([Component(name: "heads", rows: inner, units: model.mambaHeads)]), [inner]),
            tensor("out_proj.weight", .columns, [model.hiddenSize, inner]),
        ]
    }

    private static func attention(_ model: ModelSection, _ own: String, _ theirs: String) -> [MegatronTensor] {
        let (heads, groups, size) = (model.attentionHeads, model.keyValueHeads, model.attentionHeadSize)
        let rows = (heads + 2 * groups) * size
        let width = model.hiddenSize
        // A rank holds whole groups: a query and its key stay together.
        let cut = MegatronTensor.Cut.rows([Component(name: "groups of queries", rows: rows, units: groups)])
        func qkv(_ suffix: String, _ shape: [Int]) -> MegatronTensor {
            MegatronTensor(
                name: "\(theirs)linear_qkv.\(suffix)", own: ["q", "k", "v"].map { "\(own)\($0)_proj.\(suffix)" },
                join: .interleaved(heads: heads, groups: groups, headSize: size), cut: cut, shape: shape)
        }
        var tensors = [
            qkv("weight", [rows, width]),
            MegatronTensor(
                name: "\(theirs)linear_proj.weight", own: ["\(own)o_proj.weight"], cut: .columns,
                shape: [width, heads * size]),
        ]
        if model.attentionBias { tensors.append(qkv("bias", [rows])) }
        if model.attentionOutputBias {
            tensors.append(
                MegatronTensor(
                    name: "\(theirs)linear_proj.bias", own: ["\(own)o_proj.bias"], cut: .all, shape: [width]))
        }
        return tensors
    }

    private static func mlp(_ model: ModelSection, _ own: String, _ theirs: String) -> [MegatronTensor] {
        let inner = model.feedForwardSize
        let width = model.hiddenSize
        let inputs = model.gatedMLP ? ["gate_proj", "up_proj"] : ["up_proj"]
        func first(_ suffix: String, _ rest: [Int]) -> MegatronTensor {
            MegatronTensor(
                name: "\(theirs)linear_fc1.\(suffix)", own: inputs.map { "\(own)\($0).\(suffix)" },
                join: inputs.count > 1 ? .stacked : .alone,
                cut: .rows(inputs.map { Component(name: $0, rows: inner) }), shape: [inner * inputs.count] + rest)
        }
        var tensors = [
            first("weight", [width]),
            MegatronTensor(
                name: "\(theirs)linear_fc2.weight", own: ["\(own)down_proj.weight"], cut: .columns,
                shape: [width, inner]),
        ]
        if model.feedForwardBias {
            tensors += [
                first("bias", []),
                MegatronTensor(
                    name: "\(theirs)linear_fc2.bias", own: ["\(own)down_proj.bias"], cut: .all, shape: [width]),
            ]
        }
        return tensors
    }
}
