import FoundationEssentials
import MoltConversion
import MoltCore
import MoltData
import MoltTokenizers

#if canImport(Glibc)
import Glibc
#endif

/// A run keeps its own copy of its tokenizer, so that its checkpoints can be used when the original is gone or changed.
enum TokenizerCopy {
    /// Copies the files into the run's folder, below the start of their hash; once.
    static func keep(_ tokenizer: any Tokenizer, in run: RunFolder) throws {
        guard let tokenizer = tokenizer as? FileTokenizer else { return }
        let folder = "\(run.path)/\(folderName(of: tokenizer.name))"
        try DurableFile.makeFolder("\(run.path)/tokenizer")
        try DurableFile.makeFolder(folder)
        // A run that goes on uses its copy already.
        let copy = "\(folder)/\(tokenizer.file.lastComponent)"
        if FileManager.default.fileExists(atPath: copy), try FileTokenizer.name(of: copy) == tokenizer.name { return }
        for part in TokenizerFile.parts(of: tokenizer.file) {
            let data = try DurableFile.read(part, limit: Limits.tokenizerBytesMax)
            try DurableFile.write(data, to: "\(folder)/\(part.lastComponent)")
        }
        guard try FileTokenizer.name(of: copy) == tokenizer.name else {
            throw UserError("the tokenizer changed while it was copied", at: tokenizer.file)
        }
    }

    private static func folderName(of name: String) -> String {
        "tokenizer/" + String(name.split(separator: ":").last?.prefix(16) ?? "")
    }

    /// Of a name with a hash: the file's own.
    private static func file(of name: String) -> String? {
        guard name.contains(FileTokenizer.mark) else { return nil }
        let file = name.split(separator: "@").dropLast().joined(separator: "@")
        return file.isEmpty || file.contains("/") ? nil : file
    }

    /// Where a checkpoint's run, or the checkpoint, keeps the file of that name and hash; nil when neither does.
    static func kept(_ name: String, checkpoint: String) -> String? {
        guard let file = file(of: name) else { return nil }
        // Checkpoints lie two folders below the run's, its own base one.
        return ["\(checkpoint)/../..", "\(checkpoint)/..", checkpoint].map { "\($0)/\(folderName(of: name))/\(file)" }
            .first { FileManager.default.fileExists(atPath: $0) }
    }

    /// The tokenizer of a model.
    /// - Parameter named: what `--tokenizer` says, which goes before the model's own.
    static func open(of source: CheckpointSource, named: String? = nil) throws -> any Tokenizer {
        if let named { return try TextTools.tokenizer(named, key: "--tokenizer") }
        guard let own = try own(of: source) else {
            throw UserError(
                "the model has no tokenizer beside it", at: source.folder,
                fix: "name the one that it was trained with: --tokenizer PATH, or --tokenizer bytes")
        }
        return own
    }

    /// The tokenizer of a model, wherever that lies; one in an archive is read from a copy. Nil when it has none.
    static func own(of source: CheckpointSource) throws -> (any Tokenizer)? {
        guard let name = source.manifest.state[StateKey.tokenizer] else { return nil }
        guard let weights = source.foreign, name.contains("/") else {
            return try open(name, checkpoint: source.folder)
        }
        guard !FileManager.default.fileExists(atPath: name) else { return try FileTokenizer(name, key: "tokenizer") }
        var template = Array("/tmp/molt-tokenizer-XXXXXX".utf8CString)
        guard let folder = mkdtemp(&template).map({ String(cString: $0) }) else {
            throw FileError("make a folder like", "/tmp/molt-tokenizer-XXXXXX")
        }
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try open(try weights.copyTokenizer(into: folder) ?? name, checkpoint: folder)
    }

    /// What the model's own tokenizer is called, without reading all of it; nil when it has none, or that lies in an
    /// archive.
    static func name(of source: CheckpointSource) throws(UserError) -> String? {
        guard let name = source.tokenizer, name.contains("/") else { return source.tokenizer }
        return FileManager.default.fileExists(atPath: name) ? try FileTokenizer.name(of: name) : nil
    }

    /// The tokenizer of a checkpoint: by its hash where its run keeps it, or beside an imported model's weights.
    /// - Parameter name: as the checkpoint records it.
    static func open(_ name: String, checkpoint: String) throws(UserError) -> any Tokenizer {
        guard name != "bytes" else { return try Tokenizers.named(name) }
        guard name.contains(FileTokenizer.mark) else {
            return try FileTokenizer(name.hasPrefix("/") ? name : "\(checkpoint)/\(name)", key: "tokenizer")
        }
        guard file(of: name) != nil else {
            throw UserError("the checkpoint's manifest has no usable \"tokenizer\"", at: checkpoint)
        }
        guard let path = kept(name, checkpoint: checkpoint) else {
            throw UserError(
                "the tokenizer that the model was trained with is not in its run's folder", at: checkpoint,
                fix: "put \(DisplayText.escaped(name)) and what lies beside it into \(folderName(of: name))/ there")
        }
        let tokenizer = try FileTokenizer(path, key: "tokenizer")
        guard tokenizer.name == name else {
            throw UserError(
                "the tokenizer is not the one that the model was trained with", at: path,
                fix: "put \(DisplayText.escaped(name)) and what lay beside it there")
        }
        return tokenizer
    }
}
