import FoundationEssentials
import MoltCheckpoint
package import MoltConversion
import MoltCore
import MoltModels
import MoltRecipe

extension CheckpointSource {
    /// The weights by name, in whatever layout they lie; adapters are merged into the model that they stand on.
    package func weights() throws -> any ModelWeights {
        if let foreign { return foreign }
        if manifest.state[StateKey.base] == nil { return try CheckpointWeights(self) }
        return ModelInMemory(
            try ModelLoader.model(of: self), place: folder, tokenizer: tokenizer,
            specials: .init(tokenizer: tokenizer))
    }

    /// The tokenizer's name or file: the run keeps one for its checkpoints; one that lies in the checkpoint's folder is
    /// named without it.
    var tokenizer: String? {
        guard let name = manifest.state[StateKey.tokenizer] else { return nil }
        if let kept = TokenizerCopy.kept(name, checkpoint: folder) { return kept }
        let file = "\(folder)/\(name)"
        return name.contains("/") || !FileManager.default.fileExists(atPath: file) ? name : file
    }
}

/// The weights of a checkpoint of Molt's own that holds all of them.
struct CheckpointWeights: ModelWeights {
    let place: String
    let section: ModelSection
    let tokenizer: String?
    let tensors: [String: StoredTensor]
    private let files: [String: SafetensorsFile]

    init(_ source: CheckpointSource) throws {
        place = source.folder
        section = try source.manifest.state(StateKey.model, as: ModelSection.self, at: source.folder)
        tokenizer = source.tokenizer
        var tensors: [String: StoredTensor] = [:]
        var files: [String: SafetensorsFile] = [:]
        for listed in source.manifest.files where ModelFiles.isShard(listed.name, of: "model") {
            let file = try SafetensorsFile(path: "\(source.folder)/\(listed.name)")
            for entry in file.header.entries {
                tensors[entry.name] = StoredTensor(
                    type: entry.type, shape: entry.shape, file: file.path, names: [entry.name])
                files[entry.name] = file
            }
        }
        (self.tensors, self.files) = (tensors, files)
        try check()
    }

    var unused: [String] { [] }
    var specials: SpecialIDs { SpecialIDs(tokenizer: tokenizer) }

    func read(_ name: String) throws -> HostTensor {
        guard let file = files[name], let entry = file.header.entries.first(where: { $0.name == name }) else {
            throw UserError("the tensor '\(name)' is missing", at: place)
        }
        return try file.read(entry)
    }
}

extension SpecialIDs {
    /// Those of the embedded tokenizer; others have files that say.
    init(tokenizer: String?) {
        self = tokenizer == "bytes" ? SpecialIDs(begin: 256, end: [257], padding: 258) : SpecialIDs()
    }
}
