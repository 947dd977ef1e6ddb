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
                    fix: "train on it with 'objective: {type: dpo}'")
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
    let tokenCount: Int
    let fingerprint: String
    private let sources: [any DocumentSource]

    init(_ sources: [any DocumentSource], tokenizer: any Tokenizer) {
        self.sources = sources
        self.tokenizer = tokenizer
        tokenCount = sources.reduce(0) { $0 + $1.tokenCount }
        fingerprint = sources.map(\.fingerprint).joined(separator: "+")
    }

    var shapes: DocumentShapes {
        let parts = sources.map(\.shapes)
        return DocumentShapes(count: parts.reduce(0) { $0 + $1.count }) { index in
            let (part, own) = Self.place(of: index, among: parts)
            return parts[part][own]
        }
    }

    func tokens(of index: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32> {
        let (source, own) = Self.place(of: index, among: sources.map(\.shapes))
        return try sources[source].tokens(of: own, in: range)
    }

    private static func place(of index: Int, among parts: [DocumentShapes]) -> (part: Int, own: Int) {
        var own = index
        for (part, shapes) in parts.enumerated() {
            if own < shapes.count { return (part, own) }
            own -= shapes.count
        }
        preconditionFailure("document \(index) is beyond the last")
    }
}
