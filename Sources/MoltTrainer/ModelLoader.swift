import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor

/// Brings a saved model back: whole, or adapters together with the model they stand on.
enum ModelLoader {
    /// Fills a model with a checkpoint's weights, adapters merged in, and returns the hash of the result.
    static func load(_ source: CheckpointSource, into model: HybridModel) throws -> String {
        try ModelFiles.compare(source.manifest.architecture, with: model.architecture, at: source.folder)
        if let foreign = source.foreign {
            return try foreign.load(into: model)
        } else if source.manifest.state[StateKey.base] == nil {
            try ModelFiles.load(model.registry.parameters, from: source.folder, source.manifest)
        } else {
            try loadAdapted(source, into: model)
            try LoRA.merge(model.registry)
        }
        return try hash(of: model.registry.parameters)
    }

    /// The model of a checkpoint, built from what the checkpoint says about itself; for generation and evaluation.
    static func model(of source: CheckpointSource) throws -> HybridModel {
        let section = try source.manifest.state(StateKey.model, as: ModelSection.self, at: source.folder)
        let model = try HybridModel(section, registry: ParameterRegistry(seed: 0))
        _ = try load(source, into: model)
        for parameter in model.registry.parameters { try parameter.setTrainable(false) }
        return model
    }

    /// The base as the adapters know it, then the adapters.
    private static func loadAdapted(_ source: CheckpointSource, into model: HybridModel) throws {
        let base = try source.manifest.state(StateKey.base, as: BaseReference.self, at: source.folder)
        let found = try load(try CheckpointSource(base.folder, key: "base of \(source.folder)"), into: model)
        guard found == base.sha256 else {
            throw UserError(
                "the base model in \(base.folder) is not the one these adapters were trained on", at: source.folder)
        }
        let method = try source.manifest.state(StateKey.method, as: MethodSection.self, at: source.folder)
        _ = try LoRA.apply(to: model.registry, targets: method.targets, rank: method.rank, alpha: method.alpha)
        try ModelFiles.load(LoRA.state(of: model.registry), from: source.folder, source.manifest)
    }

    static func hash(of parameters: [Parameter]) throws -> String {
        var hash = WeightsHash()
        for parameter in parameters { hash.add(try ModelFiles.host(parameter.name, parameter.value)) }
        return hash.text
    }
}
