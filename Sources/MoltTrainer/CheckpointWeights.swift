import FoundationEssentials
import MoltCheckpoint
package import MoltConversion
import MoltCore
import MoltData
import MoltModels
import MoltRecipe
import MoltTokenizers

extension CheckpointSource {
    /// The weights by name, in whatever layout they lie; adapters are merged into the model that they stand on.
    package func weights() throws -> any ModelWeights {
        if let foreign { return foreign }
        if manifest.state[StateKey.base] == nil { return try CheckpointWeights(self) }
        let model = try ModelLoader.model(of: self)
        let frame = try ExportFrame(tokenizer, manifest.framing(at: folder), rows: model.section.vocabularySize ?? 0)
        return ModelInMemory(
            model, place: folder, tokenizer: tokenizer, specials: frame.specials, framing: frame.framing,
            addedBegin: frame.addedBegin)
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
    let framing: TextFraming
    let specials: SpecialIDs
    let addedBegin: String?
    let tensors: [String: StoredTensor]
    private let files: [String: SafetensorsFile]

    init(_ source: CheckpointSource) throws {
        place = source.folder
        section = try source.manifest.state(StateKey.model, as: ModelSection.self, at: source.folder)
        tokenizer = source.tokenizer
        let frame = ExportFrame(
            tokenizer, try source.manifest.framing(at: source.folder), rows: section.vocabularySize ?? 0)
        (framing, specials, addedBegin) = (frame.framing, frame.specials, frame.addedBegin)
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

    func read(_ name: String) throws -> HostTensor {
        guard let file = files[name], let entry = file.header.entries.first(where: { $0.name == name }) else {
            throw UserError("the tensor '\(name)' is missing", at: place)
        }
        return try file.read(entry)
    }
}

/// What an export says of the tokens that begin and end texts, so that other tools generate as Molt does.
struct ExportFrame {
    let framing: TextFraming
    let specials: SpecialIDs
    let addedBegin: String?

    /// - Parameter rows: of the embeddings; ids beyond them are left out.
    init(_ tokenizer: String?, _ framing: TextFraming, rows: Int) {
        var specials = SpecialIDs(tokenizer: tokenizer, rows: rows)
        let known = framing.ends.filter { (0..<rows).contains($0) }
        // Of an import, just what its configuration said.
        specials.end = framing.begins || known.isEmpty ? known + specials.end.filter { !known.contains($0) } : known
        self.framing = framing
        self.specials = specials
        guard framing.begins, let tokenizer, tokenizer.contains("/"),
            let file = try? FileTokenizer(tokenizer, key: "tokenizer"), file.prefix != [file.specials.begin]
        else {
            addedBegin = nil
            return
        }
        addedBegin = file.text.name(of: file.specials.begin)
    }
}

extension SpecialIDs {
    /// Those of the embedded tokenizer or of a file's: tools that serve a model stop where its files say.
    /// - Parameter rows: of the embeddings; ids beyond them are left out.
    init(tokenizer: String?, rows: Int) {
        self.init()
        if tokenizer == "bytes" { (begin, end, padding) = (256, [257], 258) }
        // A file that is gone, or has no token that ends a text, says nothing.
        guard let tokenizer, tokenizer.contains("/"),
            let ids = try? FileTokenizer(tokenizer, key: "tokenizer").specials
        else { return }
        func known(_ id: Int32) -> Int? { Int(id) < rows ? Int(id) : nil }
        (begin, end, padding) = (known(ids.begin), [known(ids.end)].compactMap { $0 }, known(ids.padding))
    }
}
