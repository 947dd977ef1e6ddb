import FoundationEssentials
import MoltCore

/// The tokenizer of the model that a run starts from: what the run uses when its recipe names none. As far as the
/// machine where it is submitted can tell.
package enum SourceTokenizer: Hashable, Sendable {
    case bytes
    /// Beside the weights.
    case file(String)
    /// As the checkpoints of a run record it.
    case recorded(String)
    case absent

    /// Nil where the model is not here, is a run's id, or lies in a layout that only the engine reads.
    package static func of(_ recipe: Recipe) -> SourceTokenizer? {
        guard recipe.trains, let start = recipe.initFrom, start.hasPrefix("/") else { return nil }
        let run = start.hasSuffix("/best") ? String(start.dropLast(5)) : start
        let checkpoints = CheckpointFolder(path: "\(run)/checkpoints")
        let newest = (try? checkpoints.names())?.last.map(checkpoints.folder)
        if let found = recorded(in: start) ?? newest.flatMap(recorded) { return found }
        guard FileManager.default.fileExists(atPath: "\(start)/config.json") else { return nil }
        return TokenizerSize.file(in: start).map { .file("\(start)/\($0)") } ?? .absent
    }

    /// What a checkpoint of Molt's says; nil when the folder is none.
    private static func recorded(in folder: String) -> SourceTokenizer? {
        let path = "\(folder)/\(CheckpointManifest.fileName)"
        guard let manifest = try? JSONFile.read(CheckpointManifest.self, from: path) else { return nil }
        guard let name = manifest.state["tokenizer"] else { return .absent }
        if name == "bytes" { return .bytes }
        let file = "\(folder)/\(name)"
        return FileManager.default.fileExists(atPath: file) ? .file(file) : .recorded(name)
    }

    /// What the user reads of it.
    package var description: String {
        switch self {
        case .bytes: "bytes"
        case .file(let path): path
        case .recorded(let name): String(name.prefix { $0 != "@" })
        case .absent: "none"
        }
    }

    // MARK: what follows for a recipe

    /// The tokenizer that the recipe's run will use, for a person to read; nil where that cannot be told yet.
    package static func line(_ recipe: Recipe) -> String? {
        guard recipe.trains, let data = recipe.data, data.synthetic == nil else { return nil }
        if let named = data.tokenizer { return "tokenizer: \(named)" }
        guard recipe.initFrom != nil else { return "tokenizer: bytes" }
        guard let source = of(recipe) else { return "tokenizer: that of the model in init_from" }
        return source == .absent ? nil : "tokenizer: \(source.description), that of the model in init_from"
    }

    /// Why the run could not know its tokenizer; nil when it can. Prepared data tells what it was made with.
    static func problem(_ recipe: Recipe, origins: [String: Place]) -> RecipeProblem? {
        guard let data = recipe.data, data.tokenizer == nil, data.synthetic == nil, of(recipe) == .absent else {
            return nil
        }
        let isPrepared = (data.train + data.validation)
            .allSatisfy { FileManager.default.fileExists(atPath: "\($0)/prepared.json") }
        guard !isPrepared else { return nil }
        return RecipeProblem(
            "the model in 'init_from' has no tokenizer beside it, and the data is text", at: origins["init_from"],
            key: "data.tokenizer", fix: "set 'data.tokenizer' to the tokenizer that the model was trained with")
    }

    /// A tokenizer of the recipe's that is not the model's own: rarely what is meant.
    package static func warnings(_ recipe: Recipe) -> [String] {
        guard let named = recipe.data?.tokenizer, let source = of(recipe) else { return [] }
        switch source {
        case .absent, .recorded: return []
        case .bytes where named == "bytes": return []
        case .bytes: break
        case .file(let own):
            guard named == "bytes" || !isSame(named, own) else { return [] }
        }
        return [
            "data.tokenizer: \(named) is not the tokenizer of the model in init_from (\(source.description)); "
                + "leave it out to use that one."
        ]
    }

    private static func isSame(_ named: String, _ own: String) -> Bool {
        let file = TokenizerSize.file(in: named).map { "\(named)/\($0)" } ?? named
        guard let one = try? FileHash.of(file), let other = try? FileHash.of(own) else { return true }
        return one.sha256 == other.sha256
    }
}
