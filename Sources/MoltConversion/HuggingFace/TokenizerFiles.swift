import FoundationEssentials
import MoltCore
import MoltRecipe

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
        "tokenizer.tiktoken", "tokenizer.tiktoken.json", "tekken.json",
    ]

    package var present: [String] {
        Self.names.filter { FileManager.default.fileExists(atPath: "\(folder)/\($0)") }
    }

    /// The path of the one that a tokenizer is made from; NVIDIA's checkpoints have it under a name of its own.
    package var main: String? {
        TokenizerSize.file(in: folder).map { "\(folder)/\($0)" }
    }

    /// Of a checkpoint of Megatron's: among its files or, as `release/` and `iter_…/` lie in a checkpoint's folder,
    /// beside those.
    static func megatron(_ place: String) -> String? {
        if let inside = TokenizerFiles(place).main { return inside }
        guard let slash = place.lastIndex(of: "/") else { return nil }
        let name = place[place.index(after: slash)...]
        return name == "release" || name.hasPrefix("iter_") ? TokenizerFiles(String(place[..<slash])).main : nil
    }

    /// The name that a file such as `my-own.model` gets beside weights, where tools look for it. A tiktoken file keeps
    /// its own, which may be all that says how it cuts words.
    static func standard(_ name: String) -> String {
        guard name != "tekken.json" else { return name }
        return ["tokenizer.json", "tokenizer.model"].first { name.hasSuffix($0.dropFirst("tokenizer".count)) } ?? name
    }
}
