import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltRecipe

/// The tokenizer's files in a NeMo checkpoint, where they have a hash before their names, by the names that they have
/// in other tools' folders.
struct NemoTokenizer {
    private(set) var files: [String: FileSlice] = [:]
    /// Names in the checkpoint of the files above.
    private(set) var taken: Set<String> = []

    /// - Throws: where the configuration names a file that is not there.
    init(_ config: NemoConfig, in root: FileSet) throws {
        for (key, own) in [
            ("model", "tokenizer.model"), ("vocab_file", "vocab.json"), ("merge_file", "merges.txt"),
        ] {
            // The vocabularies of tiktoken are lists of another kind.
            guard let said = config.tokenizer[key], key == "model" || config.tokenizer["library"] != "tiktoken" else {
                continue
            }
            try add(said, as: said.hasSuffix(".json") && key == "model" ? "tokenizer.json" : own, in: root)
        }
        try addAll(in: root, "")
        let context = "context"
        try addAll(in: root.below(context), "\(context)/")
        try addAll(in: root.below(context).below("nemo_tokenizer"), "\(context)/nemo_tokenizer/")
        guard files["tokenizer.model"] == nil, files["tokenizer.json"] == nil,
            try root.entries().contains(context)
        else { return }
        let models = try root.below(context).entries().filter { $0.hasSuffix(".model") }
        if models.count == 1, let name = models.first { try add(name, as: "tokenizer.model", in: root.below(context)) }
    }

    /// `nemo:` before a name says that the file is in the archive; others may have been a path on another machine.
    private mutating func add(_ said: String, as own: String, in root: FileSet) throws {
        let isInside = said.hasPrefix("nemo:")
        let name = isInside ? String(said.dropFirst(5)) : said.split(separator: "/").last.map(String.init) ?? ""
        guard !name.isEmpty, !name.contains("/"), !name.hasPrefix("."), let file = try root.open(name) else {
            guard isInside else { return }
            throw UserError(
                "the configuration names the tokenizer '\(DisplayText.escaped(name, limit: 200))', which is not there",
                at: root.path(""), fix: "is the checkpoint whole?")
        }
        files[own] = file
        taken.insert(name)
    }

    private mutating func addAll(in folder: FileSet, _ prefix: String) throws {
        for name in TokenizerFiles.names where files[name] == nil {
            guard let file = try folder.open(name) else { continue }
            files[name] = file
            taken.insert(prefix + name)
        }
    }

    /// The one that a tokenizer is made from.
    var main: (name: String, file: FileSlice)? {
        ["tokenizer.json", "tokenizer.model"].lazy.compactMap { name in files[name].map { (name, $0) } }.first
    }

    /// How many ids it can give.
    func size() throws -> TokenizerSize? {
        try main.map { try TokenizerSize.of(Self.read($0.file), named: $0.name, at: $0.file.path) }
    }

    /// - Returns: the name of the main one.
    func copy(into folder: String) throws -> String? {
        for (name, file) in files.sorted(by: { $0.key < $1.key }) {
            try DurableFile.write(try Self.read(file), to: "\(folder)/\(name)")
        }
        return main?.name
    }

    private static func read(_ file: FileSlice) throws -> Data {
        guard file.count <= Limits.tokenizerBytesMax else {
            throw UserError("it has \(file.count) bytes, which no tokenizer has", at: file.path)
        }
        return Data(try file.read(at: 0, count: file.count))
    }
}
