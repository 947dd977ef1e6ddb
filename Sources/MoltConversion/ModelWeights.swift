package import MoltCheckpoint
package import MoltRecipe

/// A model's weights under Molt's own names, read one at a time, whatever files and layout they lie in.
package protocol ModelWeights {
    /// The folder or file that a user named, for messages.
    var place: String { get }
    var section: ModelSection { get }
    /// By Molt's name.
    var tensors: [String: StoredTensor] { get }
    /// What lies there and belongs to no weight of the model: names as they are written.
    var unused: [String] { get }
    /// The file of the tokenizer, or its name; nil when there is none.
    var tokenizer: String? { get }
    /// Ids with a meaning of their own, as far as they are known.
    var specials: SpecialIDs { get }
    func read(_ name: String) throws -> HostTensor
}

/// One weight as it lies in a file.
package struct StoredTensor: Equatable, Sendable {
    package var type: StoredType
    package var shape: [Int]
    /// Of the file that holds it, or the first part of it.
    package var file: String
    /// The names in the file that make it up.
    package var names: [String]

    package init(type: StoredType, shape: [Int], file: String, names: [String]) {
        self.type = type
        self.shape = shape
        self.file = file
        self.names = names
    }
}

/// What a model's files say of tokens that are no text.
package struct SpecialIDs: Equatable, Sendable {
    package var begin: Int?
    package var end: [Int] = []
    package var padding: Int?

    package init(begin: Int? = nil, end: [Int] = [], padding: Int? = nil) {
        self.begin = begin
        self.end = end
        self.padding = padding
    }
}
