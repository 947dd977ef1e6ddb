import FoundationEssentials
package import MoltCheckpoint
package import MoltCore
import MoltRecipe

/// Writes a model as Megatron's legacy checkpoint: `release/mp_rank_XX/model_optim_rng.pt`, one file for each rank of
/// tensor parallelism, the tokenizer's files beside that folder.
package struct MegatronExport {
    private let weights: any ModelWeights
    private let type: StoredType?
    private let ranks: Int
    private let plan: MegatronPlan

    package init(_ weights: any ModelWeights, type: StoredType?, ranks: Int) throws(UserError) {
        (self.weights, self.type, self.ranks) = (weights, type, ranks)
        plan = try MegatronPlan(weights.section, at: weights.place)
        try Self.refuseLoss(of: weights.section, plan, at: weights.place)
        for tensor in plan.tensors {
            if let obstacle = tensor.obstacle(ranks: ranks) {
                throw UserError(
                    "\(obstacle) cannot be shared by \(ranks) ranks", at: weights.place,
                    fix: "give --tensor-parallel a number that divides them")
            }
        }
    }

    /// Fills an empty folder.
    package func write(into folder: String) throws {
        for rank in 0..<ranks {
            let place = "\(folder)/release/\(MegatronFiles.name(rank))"
            try DurableFile.makeFolder(place)
            let tensors = tensors
            let model = PickleTree.dictionary(
                tensors.enumerated().map { (.text($0.element.name), .tensor($0.offset)) })
            let root = PickleTree.fields([
                ("args", Self.arguments(weights.section, ranks: ranks)),
                ("checkpoint_version", .number(3)), ("iteration", .integer(0)), ("model", model),
            ])
            try TorchFileWriter.write(root, tensors, to: "\(place)/\(MegatronFiles.weightsNames[0])") {
                try contents($0, rank: rank)
            }
        }
        try DurableFile.write(Data("release".utf8), to: "\(folder)/\(MegatronFiles.marker)")
        _ = try weights.copyTokenizer(into: folder)
    }

    /// What each rank's file holds, under Megatron's names.
    var tensors: [PlannedTensor] {
        plan.tensors.map {
            PlannedTensor(name: $0.name, type: storedType($0), shape: $0.shareShape(ranks: ranks))
        }
    }

    /// Of the tensor at an index of `tensors`.
    func contents(_ index: Int, rank: Int) throws -> [UInt8] {
        let tensor = plan.tensors[index]
        let whole = tensor.whole(of: try tensor.own.map { try weights.read($0) })
        return try tensor.share(of: whole, rank: rank, of: ranks).converted(to: storedType(tensor)).bytes
    }

    /// Megatron's arguments cannot say everything of a model: what is read back must be the model that is there.
    static func refuseLoss(of model: ModelSection, _ plan: MegatronPlan, at place: String) throws(UserError) {
        let values = Dictionary(uniqueKeysWithValues: settings(model, ranks: 1).map { ($0.key, $0.value) })
        let shapes = Dictionary(uniqueKeysWithValues: plan.tensors.map { ($0.name, $0.shape) })
        let read = try MegatronSettings(values).section(shapes, at: place)
        let lost = ModelComparison.configuration(model, read)
        guard lost.isEmpty else {
            throw UserError(
                "Megatron's arguments have no place for this model's \(lost.joined(separator: ", "))", at: place,
                fix: "export it with --format hf")
        }
    }

    private func storedType(_ tensor: MegatronTensor) -> StoredType {
        type ?? weights.tensors[tensor.own[0]]?.type ?? .float32
    }

    static func arguments(_ model: ModelSection, ranks: Int) -> PickleTree {
        let fields = settings(model, ranks: ranks).map { ($0.key, PickleTree($0.value)) }
        return .object(.global("argparse", "Namespace"), .fields(fields))
    }

    /// What Megatron's code reads of its own options, and `MegatronSettings` here.
    static func settings(_ model: ModelSection, ranks: Int) -> [(key: String, value: JSONTree)] {
        let inner = model.mambaHeads * model.mambaHeadSize
        var fields: [(key: String, value: JSONTree)] = [
            ("num_layers", .integer(model.pattern.layers.count)), ("hidden_size", .integer(model.hiddenSize)),
            ("ffn_hidden_size", .integer(model.feedForwardSize)),
            ("padded_vocab_size", .integer(model.vocabularySize ?? 0)),
            ("hybrid_override_pattern", .text(String(model.pattern.layers.map(\.rawValue)))),
            ("mamba_state_dim", .integer(model.stateSize)), ("mamba_head_dim", .integer(model.mambaHeadSize)),
            ("mamba_num_groups", .integer(model.groups)), ("mamba_num_heads", .integer(model.mambaHeads)),
            ("num_attention_heads", .integer(max(1, model.attentionHeads))),
            ("group_query_attention", .flag(model.keyValueHeads < model.attentionHeads)),
            ("num_query_groups", .integer(max(1, model.keyValueHeads))),
            ("kv_channels", .integer(model.attentionHeadSize)), ("normalization", .text("RMSNorm")),
            ("norm_epsilon", .number(model.normEpsilon)),
            ("swiglu", .flag(model.gatedMLP && model.activation == .silu)),
            ("squared_relu", .flag(model.activation == .squaredReLU)),
            ("untie_embeddings_and_output_weights", .flag(!model.tiedEmbeddings)),
            ("position_embedding_type", .text(model.rotaryShare > 0 ? "rope" : "none")),
            ("tensor_model_parallel_size", .integer(ranks)), ("pipeline_model_parallel_size", .integer(1)),
            ("init_method_std", .number(model.initializerRange)), ("mamba_inner_size", .integer(inner)),
        ]
        if model.rotaryShare > 0 {
            fields += [
                ("rotary_percent", .number(model.rotaryShare)), ("rotary_base", .number(model.rotaryBase)),
            ]
        }
        return fields
    }
}
