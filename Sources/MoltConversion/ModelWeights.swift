import FoundationEssentials
package import MoltCheckpoint
import MoltCore
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
    /// Copies the tokenizer's files into a folder.
    /// - Returns: the name there of the one that a tokenizer is made from, or the name of one that has no files.
    func copyTokenizer(into folder: String) throws -> String?
}

extension ModelWeights {
    /// What lies beside the tokenizer's main file; without such a file, what lies beside the weights.
    package func copyTokenizer(into folder: String) throws -> String? {
        func copy(_ path: String, as name: String) throws(FileError) {
            try DurableFile.write(
                try DurableFile.read(path, limit: Limits.tokenizerBytesMax), to: "\(folder)/\(name)")
        }
        guard let main = tokenizer, let slash = main.lastIndex(of: "/") else {
            for name in TokenizerFiles(place).present { try copy("\(place)/\(name)", as: name) }
            return tokenizer
        }
        let source = String(main[..<slash])
        let name = String(main[main.index(after: slash)...])
        let present = TokenizerFiles(source).present
        for beside in present { try copy("\(source)/\(beside)", as: beside) }
        let standard = TokenizerFiles.standard(name)
        if !present.contains(name) {
            try copy(main, as: standard)
            if FileManager.default.fileExists(atPath: "\(main).json") {
                try copy("\(main).json", as: "\(standard).json")
            }
        }
        return standard
    }
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
