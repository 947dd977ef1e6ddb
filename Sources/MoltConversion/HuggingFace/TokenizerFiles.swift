import FoundationEssentials
import MoltCheckpoint
import MoltCore

/// The files of a tokenizer in a model's folder.
package struct TokenizerFiles {
    package let folder: String

    package init(_ folder: String) {
        self.folder = folder
    }

    /// Copied beside an export, whatever is there of them.
    static let names = [
        "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "vocab.json", "merges.txt", "chat_template.jinja", "chat_template.json", "generation_config.json",
        "tokenizer.tiktoken", "tokenizer.tiktoken.json",
    ]

    package var present: [String] {
        Self.names.filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }

    /// The path of the one that a tokenizer is made from.
    package var main: String? {
        Self.mains.map { "\(folder)/\($0)" }.first(where: FileManager.default.fileExists)
    }

    /// The same, or the only file with a tokenizer's ending, as NVIDIA's checkpoints have it under a name of its own.
    var only: String? {
        if let main { return main }
        let names = (try? CheckpointFolder(path: folder).entries()) ?? []
        let others = names.filter { !$0.hasPrefix(".") && ($0.hasSuffix(".model") || $0.hasSuffix(".tiktoken")) }
        return others.count == 1 ? others.first.map { "\(folder)/\($0)" } : nil
    }

    /// Of a checkpoint of Megatron's: among its files or, as `release/` and `iter_…/` lie in a checkpoint's folder,
    /// beside those.
    static func megatron(_ place: String) -> String? {
        if let inside = TokenizerFiles(place).only { return inside }
        guard let slash = place.lastIndex(of: "/") else { return nil }
        let name = place[place.index(after: slash)...]
        return name == "release" || name.hasPrefix("iter_") ? TokenizerFiles(String(place[..<slash])).only : nil
    }

    private static let mains = ["tokenizer.json", "tokenizer.model", "tokenizer.tiktoken"]

    /// The name that a file such as `my-own.model` gets beside weights, where tools look for it.
    static func standard(_ name: String) -> String {
        mains.first { main in name.hasSuffix(main.dropFirst("tokenizer".count)) } ?? name
    }

    private struct Contents: Decodable {
        struct Model: Decodable {
            var vocab: Vocabulary?
        }
        struct Added: Decodable { var id: Int }
        var model: Model?
        var added_tokens: [Added]?
    }

    /// Ids by token; a unigram model has a list of tokens with scores.
    private enum Vocabulary: Decodable {
        case ids(Int)

        init(from decoder: any Decoder) throws {
            if let ids = try? [String: Int](from: decoder) {
                self = .ids(min(ids.values.max() ?? -1, Limits.sizeMax) + 1)
            } else {
                self = .ids(try decoder.unkeyedContainer().count ?? 0)
            }
        }
    }

    /// How many ids tokenizer.json can give; nil when there is none, or it is not understood here.
    var size: (file: String, ids: Int)? {
        get throws(UserError) {
            let path = "\(folder)/tokenizer.json"
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            let data: Data
            do throws(FileError) {
                data = try DurableFile.read(path, limit: Limits.tokenizerBytesMax)
            } catch { throw UserError("\(error)") }
            guard let contents = try? JSONDecoder().decode(Contents.self, from: data) else {
                throw UserError("it is not a tokenizer", at: path, fix: "is the file whole?")
            }
            var ids = contents.added_tokens?.map(\.id).max().map { min($0, Limits.sizeMax) + 1 } ?? 0
            if case .ids(let count)? = contents.model?.vocab { ids = max(ids, count) }
            return (path, ids)
        }
    }
}
