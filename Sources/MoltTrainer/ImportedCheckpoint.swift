import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels

/// A checkpoint of Molt's made of another tool's weights: no run has trained it, so it has no optimizer and no
/// position in any data.
enum ImportedCheckpoint {
    /// What its run is called.
    static let run = "import"

    static func manifest(
        _ weights: any ModelWeights, files: [CheckpointManifest.File], origin: String? = nil, tokenizer: String? = nil
    ) throws(UserError) -> CheckpointManifest {
        var state: [String: String] = [:]
        do {
            state[StateKey.model] = try StateText.encode(weights.section)
            state[StateKey.framing] = try StateText.encode(weights.framing)
        } catch { throw UserError("the model cannot be described: \(error)", at: weights.place) }
        state[StateKey.tokenizer] = tokenizer ?? weights.tokenizer
        state[StateKey.origin] = origin
        return CheckpointManifest(
            run: run, step: 0, epoch: 0, files: files, recipeHash: "", architecture: weights.section.architecture,
            worldSize: 1, state: state, savedAt: Clock.now())
    }

    /// Creates the folder, whole or not at all.
    static func write(
        _ weights: any ModelWeights, to folder: String, type: StoredType? = nil, origin: String? = nil,
        beat: () -> Void = {}
    ) throws {
        try StagedFolder.make(folder) { staged in
            let names = weights.tensors.keys.sorted()
            var files: [CheckpointManifest.File] = []
            let shards = shards(names, weights, type)
            for (index, shard) in shards.enumerated() {
                let file =
                    shards.count == 1 ? "model.safetensors" : "model-\(index + 1)-of-\(shards.count).safetensors"
                let written = try SafetensorsWriter.write(
                    shard, metadata: ["format": "pt"], to: "\(staged)/\(file)"
                ) { index in
                    beat()
                    return try weights.read(shard[index].name).converted(to: shard[index].type).bytes
                }
                files.append(written)
            }
            // Molt's own checkpoints know the bytes by name.
            let tokenizer = weights.tokenizer == "bytes" ? nil : try weights.copyTokenizer(into: staged)
            let manifest = try manifest(weights, files: files, origin: origin, tokenizer: tokenizer)
            try DurableFile.write(manifest.encoded(), to: "\(staged)/\(CheckpointManifest.fileName)")
        }
    }

    private static func shards(
        _ names: [String], _ weights: any ModelWeights, _ type: StoredType?
    ) -> [[PlannedTensor]] {
        var shards: [[PlannedTensor]] = [[]]
        var held = 0
        for name in names {
            guard let stored = weights.tensors[name] else { continue }
            let planned = PlannedTensor(name: name, type: type ?? stored.type, shape: stored.shape)
            if held > 0, held + planned.byteCount > Limits.importedShardBytes {
                shards.append([])
                held = 0
            }
            shards[shards.count - 1].append(planned)
            held += planned.byteCount
        }
        return shards
    }
}
