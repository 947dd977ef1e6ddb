import FoundationEssentials
package import MoltCheckpoint
import MoltCore
package import MoltRecipe

/// A model's folder as Hugging Face's tools write it: config.json, safetensors in one file or in shards with an index,
/// and a tokenizer beside them.
package struct HuggingFaceFolder: ModelWeights {
    package let place: String
    package let section: ModelSection
    package let tensors: [String: StoredTensor]
    package let unused: [String]
    package let tokenizer: String?
    package let specials: SpecialIDs
    package let framing: TextFraming
    private let files: [String: SafetensorsFile]
    private let entries: [String: SafetensorsHeader.Entry]

    /// Whether a folder is one, and none of Molt's own.
    package static func isOne(_ path: String) -> Bool {
        let manager = FileManager.default
        return manager.fileExists(atPath: "\(path)/config.json")
            && !manager.fileExists(atPath: "\(path)/\(CheckpointManifest.fileName)")
    }

    package init(_ path: String) throws {
        place = path
        let config = ConfigReader(path: "\(path)/config.json", fields: try JSONTree.object(in: "\(path)/config.json"))
        section = try ModelSection(config: config)
        specials = SpecialIDs(config)
        framing = try TextFraming.beside(path, config: specials)
        let names = HuggingFaceNames(section.family)
        var files: [String: SafetensorsFile] = [:]
        var entries: [String: SafetensorsHeader.Entry] = [:]
        var tensors: [String: StoredTensor] = [:]
        var unused: [String] = []
        for name in try SafetensorsShards(path).files {
            let file = try SafetensorsFile(path: "\(path)/\(name)")
            files[file.path] = file
            for entry in file.header.entries {
                guard !HuggingFaceNames.isDerived(entry.name) else {
                    unused.append(entry.name)
                    continue
                }
                let own = names.own(entry.name)
                if let other = tensors[own] {
                    throw UserError(
                        "the tensor '\(DisplayText.escaped(entry.name, limit: 200))' is there twice: also in "
                            + "\(other.file) as '\(DisplayText.escaped(other.names[0], limit: 200))'", at: file.path)
                }
                entries[own] = entry
                tensors[own] = StoredTensor(
                    type: entry.type, shape: entry.shape, file: file.path, names: [entry.name])
            }
        }
        self.files = files
        self.entries = entries
        tokenizer = TokenizerFiles(path).main
        // A head that is tied may be written all the same; then it must be the embeddings.
        if section.tiedEmbeddings, let head = tensors.removeValue(forKey: "lm_head.weight") {
            unused.append("lm_head.weight")
            self.tensors = tensors
            self.unused = unused
            try compareTied(head)
        } else {
            self.tensors = tensors
            self.unused = unused
        }
        try check()
    }

    private func compareTied(_ head: StoredTensor) throws {
        let embeddings = section.family.embeddingsName
        guard let table = tensors[embeddings] else { return }
        guard
            try head.shape == table.shape && head.type == table.type
                && read("lm_head.weight").bytes == read(embeddings).bytes
        else {
            throw UserError(
                "the tensor 'lm_head.weight' differs from '\(table.names[0])', and config.json says that they are "
                    + "tied", at: head.file,
                fix: "set tie_word_embeddings to false if the model was trained like that")
        }
    }

    package func read(_ name: String) throws -> HostTensor {
        let path = tensors[name]?.file ?? files.first { $0.value.header.entries.contains { $0.name == name } }?.key
        guard let entry = entries[name], let file = path.flatMap({ files[$0] }) else {
            throw UserError("the tensor '\(name)' is missing", at: place)
        }
        var tensor = try file.read(entry)
        tensor.name = name
        return tensor
    }
}

extension ModelSection.Family {
    /// Molt's name of the table of embeddings.
    var embeddingsName: String {
        switch self {
        case .mamba2, .nemotronH, .samba, .mambaformer, .hybrid: "backbone.embeddings.weight"
        case .bamba, .granite, .recurrentGemma: "model.embed_tokens.weight"
        }
    }
}

extension SpecialIDs {
    init(_ config: ConfigReader) {
        func ids(_ key: String) -> [Int] {
            switch config.fields[key] {
            case .integer(let id)?: [id]
            case .list(let values)?:
                values.compactMap { if case .integer(let id) = $0 { id } else { nil } }
            default: []
            }
        }
        self.init(begin: ids("bos_token_id").first, end: ids("eos_token_id"), padding: ids("pad_token_id").first)
    }
}
