package import MoltRecipe

/// A model that cannot be built as described.
package enum ModelError: Error, Equatable, CustomStringConvertible {
    case unsupportedLayer(LayerKind)
    case missingVocabularySize
    case badSize(String)

    package var description: String {
        switch self {
        case .unsupportedLayer(let kind): "layers of kind '\(kind.rawValue)' cannot be trained yet"
        case .missingVocabularySize: "the model's vocab_size is not known; set it, or give a tokenizer"
        case .badSize(let reason): reason
        }
    }
}
