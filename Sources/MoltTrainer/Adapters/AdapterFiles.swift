import MoltCheckpoint
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor

/// Adapters in and out of Molt's checkpoints: `molt-train adapter`.
package enum AdapterFiles {
    /// Writes a checkpoint's adapters in peft's layout.
    package static func export(_ source: CheckpointSource, to folder: String) throws -> AdapterSummary {
        let base = try base(of: source)
        let method = try source.manifest.state(StateKey.method, as: MethodSection.self, at: source.folder)
        let model = try ModelLoader.adapted(source)
        let adapter = try PEFTAdapter(of: model, method, baseModel: base.folder)
        try adapter.write(to: folder)
        var summary = AdapterSummary(folder, method, adapter.tensors)
        summary.obstacle = adapter.obstacle(model.section.family)?.description
        return summary
    }

    /// Makes a checkpoint of an adapter in peft's layout and the model below it.
    package static func importing(
        _ adapter: String, base: CheckpointSource, to folder: String
    ) throws -> AdapterSummary {
        let model = try ModelLoader.model(of: base)
        guard model.registry.adapters.isEmpty else {
            throw UserError("the base model carries adapters itself", at: base.folder)
        }
        let reference = BaseReference(
            folder: base.folder, sha256: try ModelLoader.hash(of: model.registry.parameters))
        let method = try PEFTAdapter(reading: adapter).adapt(model)
        let tensors = try ModelFiles.snapshot(model.registry.adapters)
        var state = base.manifest.state.filter { ofModel.contains($0.key) }
        state[StateKey.method] = try StateText.encode(method)
        state[StateKey.base] = try StateText.encode(reference)
        try write(tensors, state, like: base, to: folder)
        return AdapterSummary(folder, method, tensors)
    }

    /// Makes a checkpoint of the whole model, the adapters in its weights.
    package static func merge(_ source: CheckpointSource, to folder: String) throws -> AdapterSummary {
        _ = try base(of: source)
        let method = try source.manifest.state(StateKey.method, as: MethodSection.self, at: source.folder)
        let section = try source.manifest.state(StateKey.model, as: ModelSection.self, at: source.folder)
        let model = try HybridModel(section, registry: ParameterRegistry(startsEmpty: true))
        _ = try ModelLoader.load(source, into: model)
        let tensors = try ModelFiles.snapshot(model.registry.parameters)
        let state = source.manifest.state.filter { ofModel.contains($0.key) }
        try write(tensors, state, like: source, to: folder)
        return AdapterSummary(folder, method, tensors)
    }

    /// What a checkpoint says of the model, however it was trained.
    private static let ofModel = [StateKey.model, StateKey.tokenizer, StateKey.framing]

    private static func base(of source: CheckpointSource) throws -> BaseReference {
        guard source.hasAdapters else {
            throw UserError("the checkpoint is of a whole model and has no adapters", at: source.folder)
        }
        return try source.manifest.state(StateKey.base, as: BaseReference.self, at: source.folder)
    }

    private static func write(
        _ tensors: [HostTensor], _ state: [String: String], like source: CheckpointSource, to folder: String
    ) throws {
        let run = RunFolder(path: folder), name = CheckpointName(step: 0, epoch: 0)
        let store = CheckpointStore(run: run, epoch: name.epoch)
        guard try store.folder.names().isEmpty else {
            throw UserError("there is a checkpoint already", at: folder, fix: "name another folder")
        }
        let snapshot = CheckpointSnapshot(
            name: name, run: folder.lastComponent, groups: [.init(name: "model", tensors: tensors)], recipeHash: "",
            architecture: source.manifest.architecture, worldSize: 1, state: state)
        _ = try store.commit(snapshot)
    }
}

/// What `molt-train adapter` did.
package struct AdapterSummary: Codable, Equatable, Sendable {
    package var folder: String
    package var method: String
    package var tensors: Int
    package var parameters: Int
    /// Why peft will not load what was written, and what to do instead; nil when it does.
    package var obstacle: String?

    init(_ folder: String, _ method: MethodSection, _ tensors: [HostTensor]) {
        self.folder = folder
        self.method = method.type.rawValue
        self.tensors = tensors.count
        parameters = tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
}
