import MoltCheckpoint
import MoltCore
package import MoltModels
import MoltNN
package import MoltRecipe
import MoltTensor

extension PEFTAdapter {
    /// Puts the adapter on a model, and returns the method that describes it in a checkpoint.
    package func adapt(_ model: HybridModel) throws -> MethodSection {
        let family = model.section.family
        if config.peftType != "LORA" { return try addPrompt(to: model) }
        var known: [String: HostTensor] = [:], modules: Set<String> = []
        for tensor in tensors {
            guard let name = Self.inside(tensor.name, family), let module = Self.module(name) else {
                throw UserError("'\(DisplayText.escaped(tensor.name, limit: 80))' is no part of a LoRA adapter")
            }
            known[name] = tensor
            modules.insert(module)
        }
        let strangers = modules.subtracting(model.registry.linears.map(\.path)).sorted()
        if let stranger = strangers.first {
            throw UserError(
                "the adapter is for \(strangers.count) modules that the model does not have as linear layers, such as "
                    + DisplayText.escaped(stranger, limit: 80), fix: "name the model that it was trained on")
        }
        let method = try method(modules.sorted(), known)
        _ = try model.adapt(method)
        for parameter in model.registry.adapters {
            guard let tensor = known.removeValue(forKey: parameter.name) else {
                throw UserError("the adapter lacks \(parameter.name)")
            }
            try parameter.assign(ModelFiles.tensor(tensor).to(.float32))
        }
        if let left = known.keys.min() { throw UserError("the adapter has \(DisplayText.escaped(left)) to spare") }
        return method
    }

    /// One rank and one scale for all modules.
    private func method(_ modules: [String], _ tensors: [String: HostTensor]) throws(UserError) -> MethodSection {
        var method = MethodSection()
        method.type = config.hasMagnitude == true ? .dora : .lora
        method.isRankStabilized = config.isRankStabilized ?? false
        method.dropout = config.dropout ?? 0
        method.targets = modules
        let ranks = Set(modules.compactMap { tensors["\($0).lora_A.weight"]?.shape.first })
        guard let rank = ranks.first, ranks.count == 1, rank > 0 else {
            throw UserError(
                "the adapter has \(ranks.count) different ranks, and Molt's have one",
                fix: "merge the adapter with peft, and import that")
        }
        let alphas = Set((config.alphas ?? [:]).values)
        let own = alphas.count == 1 && config.alphas?.count == modules.count ? alphas.first : nil
        guard let alpha = own ?? config.alpha, alphas.isEmpty || own != nil, alpha > 0 else {
            throw UserError(
                "modules of the adapter have an alpha of their own, and Molt's have one for all",
                fix: "merge the adapter with peft, and import that")
        }
        (method.rank, method.alpha) = (rank, alpha)
        return method
    }

    /// The module that a tensor's name belongs to.
    private static func module(_ name: String) -> String? {
        for suffix in [".lora_A.weight", ".lora_B.weight", ".lora_magnitude_vector"] where name.hasSuffix(suffix) {
            return String(name.dropLast(suffix.count))
        }
        return nil
    }

    private func addPrompt(to model: HybridModel) throws -> MethodSection {
        guard let values = tensors.first, tensors.count == 1, values.name == "prompt_embeddings",
            values.shape.count == 2
        else { throw UserError("the adapter has no tensor prompt_embeddings, or others besides") }
        var method = MethodSection()
        method.type = .promptTuning
        method.virtualTokens = values.shape[0]
        guard method.virtualTokens > 0 else { throw UserError("the adapter has no virtual tokens") }
        _ = try model.adapt(method)
        for parameter in model.registry.adapters {
            try parameter.assign(ModelFiles.tensor(values).to(.float32))
        }
        return method
    }
}
