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
    /// What the files do not say of the model and is taken for granted, in words for people.
    var assumed: [String] { get }
    /// The file of the tokenizer, or its name; nil when there is none.
    var tokenizer: String? { get }
    /// Ids with a meaning of their own, as far as they are known.
    var specials: SpecialIDs { get }
    /// What stands around its texts.
    var framing: TextFraming { get }
    /// The token that begins the model's texts, as its tokenizer's configuration has to name it, where the files do not
    /// put it there by themselves; nil where they need no change.
    var addedBegin: String? { get }
    func read(_ name: String) throws -> HostTensor
    /// Copies the tokenizer's files into a folder.
    /// - Returns: the name there of the one that a tokenizer is made from.
    func copyTokenizer(into folder: String) throws -> String?
}

extension ModelWeights {
    package var assumed: [String] { [] }
    package var framing: TextFraming { TextFraming(ends: specials.end, begins: false) }
    package var addedBegin: String? { nil }

    /// What lies beside the tokenizer's main file; without such a file, what lies beside the weights.
    package func copyTokenizer(into folder: String) throws -> String? {
        let name = try copyTokenizerFiles(into: folder)
        guard let addedBegin, name != nil else { return name }
        let path = "\(folder)/tokenizer_config.json"
        var config = FileManager.default.fileExists(atPath: path) ? try JSONTree.object(in: path) : [:]
        if case .null = config["bos_token"] ?? .null { config["bos_token"] = .text(addedBegin) }
        config["add_bos_token"] = .flag(true)
        try DurableFile.write(JSONTree.file(config), to: path)
        return name
    }

    private func copyTokenizerFiles(into folder: String) throws -> String? {
        func copy(_ path: String, as name: String) throws(FileError) {
            try DurableFile.write(
                try DurableFile.read(path, limit: Limits.tokenizerBytesMax), to: "\(folder)/\(name)")
        }
        guard tokenizer != "bytes" else { return try ByteTokenizerFiles.write(into: folder) }
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
