import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltRecipe
import MoltTokenizers

/// A model's weights with a tokenizer that does not lie beside them.
struct RetokenizedWeights: ModelWeights {
    private let weights: any ModelWeights
    let tokenizer: String?

    /// - Parameter tokenizer: what a user names: `bytes`, or a file or folder, which is read whole to be sure of it.
    init(_ weights: any ModelWeights, tokenizer: String) throws(UserError) {
        self.weights = weights
        let key = "--tokenizer"
        _ = try TextTools.tokenizer(tokenizer, key: key)
        guard tokenizer != "bytes" else {
            self.tokenizer = tokenizer
            return
        }
        let file = try TokenizerFile.resolve(tokenizer, key: key).file
        self.tokenizer = file.contains("/") ? file : "./\(file)"
    }

    var place: String { weights.place }
    var section: ModelSection { weights.section }
    var tensors: [String: StoredTensor] { weights.tensors }
    var unused: [String] { weights.unused }
    var assumed: [String] { weights.assumed }
    var framing: TextFraming { weights.framing }
    func read(_ name: String) throws -> HostTensor { try weights.read(name) }

    var specials: SpecialIDs {
        let own = SpecialIDs(tokenizer: tokenizer, rows: section.vocabularySize ?? 0)
        return own == SpecialIDs() ? weights.specials : own
    }
}
