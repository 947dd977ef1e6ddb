import FoundationEssentials
import MoltConversion
import MoltCore
import MoltRecipe
import MoltTensor

/// The keys of a manifest's `state`, each a JSON text.
enum StateKey {
    static let progress = "progress"
    static let numerics = "numerics"
    static let model = "model"
    static let method = "method"
    static let base = "base"
    /// The model that preferences are measured from, of a run that trains all weights.
    static let reference = "reference"
    /// In a run's own copy of its base: what `init_from` said.
    static let origin = "init_from"
    static let tokenizer = "tokenizer"
    /// `TextFraming`: what stands around the model's texts.
    static let framing = "framing"
    /// The recipe's `data.synthetic`, of models that were trained on made sequences.
    static let synthetic = "synthetic"
}

/// The model that adapters belong to: where it lay, and what it was.
package struct BaseReference: Codable, Equatable, Sendable {
    package var folder: String
    /// `WeightsHash` of its parameters.
    package var sha256: String
}

extension CheckpointManifest {
    func state<Value: Decodable>(_ key: String, as type: Value.Type, at folder: String) throws(UserError) -> Value {
        guard let text = state[key], let value = try? BoundedJSON().decode(type, from: Data(text.utf8)) else {
            throw UserError("the checkpoint's manifest has no usable \"\(key)\"", at: folder)
        }
        return value
    }
}

extension CheckpointManifest {
    /// Checkpoints of before this was recorded are of runs, which begin every text.
    func framing(at folder: String) throws(UserError) -> TextFraming {
        guard state[StateKey.framing] != nil else { return TextFraming(begins: true) }
        return try state(StateKey.framing, as: TextFraming.self, at: folder)
    }
}

enum StateText {
    static func encode(_ value: some Encodable) throws -> String {
        String(decoding: try JSONFile.encode(value), as: UTF8.self)
    }
}
