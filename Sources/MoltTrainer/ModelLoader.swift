import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor

/// Brings a saved model back: whole, or adapters together with the model they stand on.
enum ModelLoader {
    /// Fills a model with a checkpoint's weights, adapters merged in, and returns the hash of the result in fp32.
    ///
    /// Adapters that cannot be merged stay on the model, or are an error.
    static func load(_ source: CheckpointSource, into model: HybridModel, keeps: Bool = false) throws -> String {
        try ModelFiles.compare(source.manifest.architecture, with: model.architecture, at: source.folder)
        if let foreign = source.foreign {
            return try foreign.load(into: model)
        } else if !source.hasAdapters {
            var hash = WeightsHash()
            try ModelFiles.load(model.registry.parameters, from: source.folder, source.manifest) {
                hash.add(try $0.converted(to: .float32))
            }
            return hash.text
        }
        let method = try loadAdapted(source, into: model)
        if method.merges {
            try LoRA.merge(model.registry)
        } else if !keeps {
            throw UserError(
                "the adapters of '\(method.rawValue)' cannot become part of the weights", at: source.folder,
                fix: "start from the model that they stand on: init_from its folder")
        }
        return try hash(of: model.registry.parameters)
    }

    /// The model of a checkpoint, built from what the checkpoint says about itself; for generation and evaluation.
    ///
    /// Weights go tensor by tensor to where the model computes, in the type that it holds them in.
    static func model(of source: CheckpointSource, on place: ComputePlace = .cpu) throws -> HybridModel {
        let section = try source.manifest.state(StateKey.model, as: ModelSection.self, at: source.folder)
        // Adapters on a model with adapters know it by its merged weights in fp32.
        let isStacked = try place.matrices != .float32 && standsOnAdapters(source)
        let model = try HybridModel(
            section,
            registry: ParameterRegistry(
                device: place.device, matrices: isStacked ? nil : place.matrices, startsEmpty: true))
        _ = try load(source, into: model, keeps: true)
        for parameter in model.registry.parameters { try parameter.setTrainable(false) }
        if isStacked { try model.registry.hold(matricesIn: place.matrices) }
        return model
    }

    /// The model of a checkpoint of adapters, with them beside its weights.
    static func adapted(_ source: CheckpointSource) throws -> HybridModel {
        let section = try source.manifest.state(StateKey.model, as: ModelSection.self, at: source.folder)
        let model = try HybridModel(section, registry: ParameterRegistry(startsEmpty: true))
        _ = try loadAdapted(source, into: model)
        return model
    }

    private static func standsOnAdapters(_ source: CheckpointSource) throws -> Bool {
        guard source.hasAdapters else { return false }
        let base = try source.manifest.state(StateKey.base, as: BaseReference.self, at: source.folder)
        return try CheckpointSource(verified: base.folder, key: "base of \(source.folder)").hasAdapters
    }

    /// The base as the adapters know it, then the adapters.
    private static func loadAdapted(
        _ source: CheckpointSource, into model: HybridModel
    ) throws -> MethodSection.MethodType {
        let base = try source.manifest.state(StateKey.base, as: BaseReference.self, at: source.folder)
        let found = try load(try CheckpointSource(base.folder, key: "base of \(source.folder)"), into: model)
        guard found == base.sha256 else {
            throw UserError(
                "the base model in \(base.folder) is not the one these adapters were trained on", at: source.folder)
        }
        let method = try source.manifest.state(StateKey.method, as: MethodSection.self, at: source.folder)
        _ = try model.adapt(method)
        try ModelFiles.load(model.registry.adapters, from: source.folder, source.manifest)
        return method.type
    }

    static func hash(of parameters: [Parameter]) throws -> String {
        var hash = WeightsHash()
        for parameter in parameters { hash.add(try ModelFiles.host(parameter.name, parameter.value)) }
        return hash.text
    }
}
