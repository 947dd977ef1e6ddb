/// A model that cannot be built as described.
package enum ModelError: Error, Equatable, CustomStringConvertible {
    case missingVocabularySize
    case badSize(String)

    package var description: String {
        switch self {
        case .missingVocabularySize: "the model's vocab_size is not known; set it, or give a tokenizer"
        case .badSize(let reason): reason
        }
    }
}
