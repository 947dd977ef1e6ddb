import MoltCheckpoint
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor

extension PEFTAdapter {
    static func lowRank(_ model: HybridModel, _ method: MethodSection) throws -> (PEFTConfig, [HostTensor]) {
        var config = PEFTConfig("LORA")
        (config.rank, config.alpha, config.dropout) = (method.rank, method.alpha, method.dropout)
        (config.isRankStabilized, config.hasMagnitude) = (method.isRankStabilized, method.type == .dora)
        (config.bias, config.fanInFanOut) = ("none", false)
        var tensors: [HostTensor] = [], modules: [String] = []
        var ranks: [String: Int] = [:], alphas: [String: Double] = [:]
        for linear in model.registry.linears {
            guard let adapter = linear.adapter else { continue }
            let name = outside(linear.path, model.section.family), module = String(name.dropFirst(prefix.count))
            modules.append(module)
            let (down, up) = try joined(adapter, outputs: linear.outputs)
            tensors.append(try ModelFiles.host("\(name).lora_A.weight", down))
            tensors.append(try ModelFiles.host("\(name).lora_B.weight", up))
            if let magnitude = adapter.magnitude {
                tensors.append(try ModelFiles.host("\(name).lora_magnitude_vector", magnitude.value))
            }
            let count = Double(adapter.parts.count)
            guard adapter.parts.count > 1 else { continue }
            // The same scale at a rank that is so many times as large.
            ranks[module] = method.rank * adapter.parts.count
            alphas[module] = method.alpha * (method.isRankStabilized ? count.squareRoot() : count)
        }
        (config.targets, config.ranks, config.alphas) = (.list(modules.sorted()), ranks, alphas)
        return (config, tensors.sorted { $0.name < $1.name })
    }

    /// A and B of the whole layer: those of its components below and beside each other, with zeros in other rows of B.
    private static func joined(
        _ adapter: LoRAAdapter, outputs: Int
    ) throws(TorchError) -> (down: Tensor, up: Tensor) {
        try noGrad { () throws(TorchError) in
            var downs: [Tensor] = [], ups: [Tensor] = []
            for part in adapter.parts {
                downs.append(part.down.value)
                ups.append(try part.up.value.pad([0, 0, part.rows.lowerBound, outputs - part.rows.upperBound]))
            }
            return (try Tensor.cat(downs), try Tensor.cat(ups, dim: 1))
        }
    }

    /// What an encoder made is all that generation needs, and all that peft keeps.
    static func prompt(_ model: HybridModel, _ method: MethodSection) throws -> (PEFTConfig, [HostTensor]) {
        guard let prompt = model.prompt else { throw AdapterError.noAdapters }
        var config = PEFTConfig(method.type == .pTuning ? "P_TUNING" : "PROMPT_TUNING")
        (config.virtualTokens, config.width) = (prompt.count, model.section.hiddenSize)
        if method.type == .pTuning {
            (config.encoderSize, config.encoder) = (method.encoderSize ?? model.section.hiddenSize, "MLP")
        }
        let embeddings = try noGrad { () throws(TorchError) in try prompt.embeddings() }
        return (config, [try ModelFiles.host("prompt_embeddings", embeddings)])
    }
}
