import MoltCheckpoint
import MoltCore
import MoltModels
import MoltNN

/// What a checkpoint is, for people and for tests that compare weights.
package struct CheckpointInspection: Codable, Equatable, Sendable {
    package var folder: String
    package var run: String
    package var step: Int
    package var epoch: Int
    package var architecture: [String: String]
    package var worldSize: Int
    /// Of the tensors in this checkpoint: all weights, or the adapters alone.
    package var weightsSHA256: String
    package var optimizerSHA256: String
    package var tensors: Int
    package var parameters: Int
    /// For adapters: the model they stand on, as it was when they were trained.
    package var base: BaseReference?
    /// For adapters: the hash of that model's weights as they are now.
    package var baseSHA256Now: String?

    package init(_ source: CheckpointSource) throws {
        let manifest = source.manifest
        folder = source.folder
        run = manifest.run
        step = manifest.step
        epoch = manifest.epoch
        architecture = manifest.architecture
        worldSize = manifest.worldSize
        var weights = WeightsHash(), optimizer = WeightsHash()
        try ModelFiles.forEach(group: "model", in: folder, manifest) { weights.add($0) }
        try ModelFiles.forEach(group: "optimizer", in: folder, manifest) { optimizer.add($0) }
        weightsSHA256 = weights.text
        optimizerSHA256 = optimizer.text
        tensors = weights.tensors
        parameters = weights.elements
        guard manifest.state[StateKey.base] != nil else { return }
        let base = try manifest.state(StateKey.base, as: BaseReference.self, at: folder)
        self.base = base
        let model = try ModelLoader.model(of: try CheckpointSource(base.folder, key: "base of \(folder)"))
        baseSHA256Now = try ModelLoader.hash(of: model.registry.parameters)
    }

    enum CodingKeys: String, CodingKey {
        case folder, run, step, epoch, architecture, tensors, parameters, base
        case worldSize = "world_size"
        case weightsSHA256 = "weights_sha256"
        case optimizerSHA256 = "optimizer_sha256"
        case baseSHA256Now = "base_sha256_now"
    }
}
