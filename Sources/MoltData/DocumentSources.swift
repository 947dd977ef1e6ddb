package import MoltCore

/// Opens what a recipe's `data:` names: prepared folders, and files that are read as they are.
package enum DocumentSources {
    /// True for what is read as it is: neither prepared nor in Megatron's form.
    package static func isPlain(_ path: String) -> Bool {
        !PreparedFolder.isPrepared(path) && !MegatronIndex.isIndex(path)
    }

    /// - Parameters:
    ///   - split: the part of prepared folders to take.
    ///   - excluding: files that a folder or a glob must not contribute, by `DataPaths.identity`.
    ///   - beat: called often, since large files take minutes.
    package static func open(
        _ paths: [String], _ split: DataSplit, key: String, tokenizer: any Tokenizer,
        chat: (any ChatRenderer)? = nil, excluding: Set<String> = [], takesPairs: Bool = false,
        beat: () -> Void = {}
    ) throws(UserError) -> any DocumentSource {
        let prepared = paths.filter(PreparedFolder.isPrepared)
        let indexes = paths.filter { !isPlain($0) && !prepared.contains($0) }
        let others = paths.filter(isPlain)
        var sources: [any DocumentSource] = []
        for path in prepared {
            let source = try PreparedSource(path, split, tokenizer: tokenizer, beat: beat)
            guard takesPairs || source.form == .documents else {
                throw UserError(
                    "the folder holds preference pairs, which are no documents to train on", at: path,
                    fix: "train with the method dpo")
            }
            sources.append(source)
        }
        for path in indexes {
            sources.append(try MegatronIndex(path, tokenizer: tokenizer))
            beat()
        }
        if !others.isEmpty || sources.isEmpty {
            let files = try DataPaths.resolve(others, key: key, excluding: excluding)
            sources.append(try Corpus(files: files, tokenizer: tokenizer, chat: chat, beat: beat))
        }
        return sources.count == 1 ? sources[0] : JoinedSource(sources, tokenizer: tokenizer)
    }
}

/// Several sources one after the other.
final class JoinedSource: DocumentSource {
    let tokenizer: any Tokenizer
    let shapes: [DocumentShape]
    let tokenCount: Int
    let fingerprint: String
    private let sources: [any DocumentSource]

    init(_ sources: [any DocumentSource], tokenizer: any Tokenizer) {
        self.sources = sources
        self.tokenizer = tokenizer
        shapes = sources.flatMap(\.shapes)
        tokenCount = sources.reduce(0) { $0 + $1.tokenCount }
        fingerprint = sources.map(\.fingerprint).joined(separator: "+")
    }

    func tokens(of index: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32> {
        var index = index
        for source in sources {
            if index < source.shapes.count { return try source.tokens(of: index, in: range) }
            index -= source.shapes.count
        }
        preconditionFailure("document \(index) is beyond the last")
    }
}
