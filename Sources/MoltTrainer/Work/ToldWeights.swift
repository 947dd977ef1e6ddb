import MoltCheckpoint
import MoltConversion
import MoltRecipe

/// Weights that tell whenever one of them is read.
struct ToldWeights: ModelWeights {
    let base: any ModelWeights
    /// What it throws ends the work.
    let beat: () throws -> Void

    var place: String { base.place }
    var section: ModelSection { base.section }
    var tensors: [String: StoredTensor] { base.tensors }
    var unused: [String] { base.unused }
    var assumed: [String] { base.assumed }
    var tokenizer: String? { base.tokenizer }
    var specials: SpecialIDs { base.specials }
    var framing: TextFraming { base.framing }
    var addedBegin: String? { base.addedBegin }

    func read(_ name: String) throws -> HostTensor {
        try beat()
        return try base.read(name)
    }

    func copyTokenizer(into folder: String) throws -> String? { try base.copyTokenizer(into: folder) }
}
