import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltData
import MoltRecipe

/// The tokenizer of a training run: what it has been so far, else what the recipe names, else that of the model which
/// the run starts from. Bytes are only what a model without a past reads.
struct TokenizerChoice {
    let tokenizer: any Tokenizer
    /// What people should know of it, when the run begins.
    private(set) var note: String?
    /// Ids that ended the texts of the model that the run starts from, beside the tokenizer's own.
    private(set) var ends: [Int] = []

    init(_ recipe: Recipe, _ origin: Origin, run: RunFolder) throws {
        let named = recipe.data?.tokenizer
        if let own = origin.own, let recorded = own.manifest.state[StateKey.tokenizer] {
            let folder = "\(run.checkpoints)/\(own.name)"
            tokenizer = try Self.recorded(recorded, named: named, checkpoint: folder)
            ends = try own.manifest.framing(at: folder).ends
        } else if let named {
            tokenizer = try TextTools.tokenizer(named, key: "data.tokenizer")
            guard let source = origin.source, let other = try TokenizerCopy.name(of: source) else { return }
            guard other != tokenizer.name else {
                ends = try source.manifest.framing(at: source.folder).ends
                return
            }
            note = "the tokenizer \(DisplayText.escaped(tokenizer.name)) is not that of the model in init_from, "
                + "\(DisplayText.escaped(other))"
        } else if let source = origin.source {
            tokenizer = try TokenizerCopy.own(of: source) ?? Self.ofData(recipe, source)
            ends = try source.manifest.framing(at: source.folder).ends
            note = "the tokenizer is that of the model in init_from: \(DisplayText.escaped(tokenizer.name))"
        } else {
            tokenizer = ByteTokenizer()
        }
    }

    /// What the run began with: where the recipe names it, else the run's own copy.
    private static func recorded(
        _ name: String, named: String?, checkpoint: String
    ) throws(UserError) -> any Tokenizer {
        // One that is gone or has changed since is no error: that is what the copy is for.
        if let named, let found = try? TextTools.tokenizer(named, key: "data.tokenizer"), found.name == name {
            return found
        }
        return try TokenizerCopy.open(name, checkpoint: checkpoint)
    }

    /// For a model without a tokenizer: data that needs none, or was prepared with the bytes.
    private static func ofData(_ recipe: Recipe, _ source: CheckpointSource) throws(UserError) -> any Tokenizer {
        let data = recipe.data, paths = (data?.train ?? []) + (data?.validation ?? [])
        if data?.synthetic != nil { return ByteTokenizer() }
        guard !paths.isEmpty, paths.allSatisfy(PreparedFolder.isPrepared) else {
            throw UserError(
                "the model in \(DisplayText.escaped(source.folder)) has no tokenizer beside it, and the data is text",
                at: "data.tokenizer", fix: "set 'data.tokenizer' to the tokenizer that the model was trained with")
        }
        for path in paths {
            let name = try PreparedFolder.read(path).tokenizer
            guard name == "bytes" else {
                throw UserError(
                    "the data in \(DisplayText.escaped(path)) was prepared with \(DisplayText.escaped(name)), and the "
                        + "model has no tokenizer beside it", at: "data.tokenizer",
                    fix: "set 'data.tokenizer' to that file")
            }
        }
        return ByteTokenizer()
    }
}
