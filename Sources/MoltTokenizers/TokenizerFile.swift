package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Finds and reads the files of a tokenizer.
package enum TokenizerFile {
    package enum Kind: Sendable { case huggingFace, sentencePiece, tiktoken }

    /// The file that a path means: itself, or the one of a folder.
    /// - Parameter key: the recipe's key, for an error.
    package static func resolve(_ path: String, key: String) throws(UserError) -> (file: String, kind: Kind) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw UserError(
                "there is no tokenizer at '\(DisplayText.escaped(path))'", at: key,
                fix: "give a tokenizer.json, a folder with one, a *.model or a *.tiktoken file, or 'bytes'")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            guard let kind = kind(of: path) else {
                throw UserError(
                    "the tokenizer '\(DisplayText.escaped(path))' is of no known kind", at: key,
                    fix: "its name must end in .json, .model or .tiktoken")
            }
            return (path, kind)
        }
        let folder = path.hasSuffix("/") ? String(path.dropLast()) : path
        let names = self.names(in: folder)
        let usual = ["tokenizer.json", "tokenizer.model", "tokenizer.tiktoken", "tekken.json"]
        for name in usual where names.contains(name) {
            if let kind = kind(of: name) { return ("\(folder)/\(name)", kind) }
        }
        let others = names.filter { $0.hasSuffix(".model") || $0.hasSuffix(".tiktoken") }
        guard others.count == 1, let kind = kind(of: others[0]) else {
            throw UserError(
                others.isEmpty ? "the folder has no tokenizer" : "the folder has more than one tokenizer",
                at: "\(key): \(path)", fix: "name the file itself: tokenizer.json, *.model or *.tiktoken")
        }
        return ("\(folder)/\(others[0])", kind)
    }

    private static func kind(of name: String) -> Kind? {
        if name.hasSuffix(".json") { return .huggingFace }
        if name.hasSuffix(".model") { return .sentencePiece }
        return name.hasSuffix(".tiktoken") ? .tiktoken : nil
    }

    private static func names(in folder: String) -> [String] {
        guard let handle = opendir(folder) else { return [] }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle), names.count < 10_000 {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted()
    }

    /// Reads a tokenizer with what lies beside it: tokenizer_config.json, chat_template.jinja, a tiktoken's sidecar.
    package static func open(_ path: String, key: String) throws(UserError) -> TextTokenizer {
        let (file, kind) = try resolve(path, key: key)
        let bytes = try read(file)
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        var config = TokenizerConfig()
        if let place = try json("\(folder)/tokenizer_config.json") { config = try TokenizerConfig(place) }
        if exists("\(folder)/chat_template.jinja") {
            let template = try read("\(folder)/chat_template.jinja")
            config.chatTemplates["default"] = String(decoding: template, as: UTF8.self)
        }
        let model: any TokenizerModel =
            switch kind {
            case .huggingFace: try ofJSON(bytes, file)
            // Some families have a tiktoken file under the name tokenizer.model; SentencePiece's begin with this byte.
            case .sentencePiece where bytes.first != 0x0A && TiktokenReader.isRanks(bytes):
                try TiktokenReader.read(bytes, file: file, sidecar: try json("\(file).json"))
            case .sentencePiece: try SentencePieceReader.read(bytes, file: file)
            case .tiktoken: try TiktokenReader.read(bytes, file: file, sidecar: try json("\(file).json"))
            }
        return TextTokenizer(model: model, config: config)
    }

    private static func ofJSON(_ bytes: [UInt8], _ file: String) throws(UserError) -> any TokenizerModel {
        let root = try JSONPlace(file: file, bytes: bytes)
        guard TiktokenReader.isList(root) else { return try HuggingFaceReader.read(root) }
        return try TiktokenReader.read(root, sidecar: try json("\(file).json"))
    }

    /// The files that together are a tokenizer, for a copy of it.
    package static func parts(of file: String) -> [String] {
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? "."
        let beside = ["\(folder)/tokenizer_config.json", "\(folder)/chat_template.jinja", "\(file).json"]
        return [file] + beside.filter(exists)
    }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private static func json(_ path: String) throws(UserError) -> JSONPlace? {
        exists(path) ? try JSONPlace(file: path, bytes: read(path)) : nil
    }

    static func read(_ path: String) throws(UserError) -> [UInt8] {
        do throws(FileError) {
            return Array(try DurableFile.read(path, limit: Limits.fileBytesMax))
        } catch {
            throw UserError("\(error)", at: path)
        }
    }
}
