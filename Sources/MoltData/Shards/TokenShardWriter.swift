package import MoltCore

/// Writes one `TokenShard`: tokens as they come, the index after them, the header last.
package final class TokenShardWriter {
    package private(set) var documents = 0
    package private(set) var tokens = 0
    /// Tokens that the loss will count.
    package private(set) var targets = 0
    private let output: OutputFile
    private let vocabulary: Int
    private let width: Int
    private var starts: [UInt64] = [0]
    private var spanStarts: [UInt64] = [0]
    /// From and to, one pair after the other.
    private var spans: [UInt32] = []

    /// - Parameter path: a temporary name; `finish` gives the final one.
    package init(path: String, vocabulary: Int) throws(FileError) {
        output = try OutputFile(path: path)
        self.vocabulary = vocabulary
        width = TokenShard.width(vocabulary: vocabulary)
        try output.write([UInt8](repeating: 0, count: TokenShard.headerBytes))
    }

    package func append(_ document: Document) throws(FileError) {
        try write(document.tokens[...])
        end(document.tokens.count, document.shape.storedSpans)
    }

    /// Part of a document; `end` closes it.
    func write(_ tokens: ArraySlice<Int32>) throws(FileError) {
        // In parts: a document of a hundred megabytes is not held a second time.
        var rest = tokens
        while !rest.isEmpty {
            let part = rest.prefix(Limits.tokensAtOnce)
            rest = rest.dropFirst(part.count)
            if width == 2 {
                try output.write(numbers: part.map { UInt16(truncatingIfNeeded: $0) })
            } else {
                try output.write(numbers: part.map { UInt32(bitPattern: $0) })
            }
        }
    }

    func end(_ count: Int, _ spans: [Range<Int>]) {
        tokens += count
        documents += 1
        targets += spans.isEmpty ? max(0, count - 1) : spans.reduce(0) { $0 + $1.count }
        starts.append(UInt64(tokens))
        for span in spans { self.spans += [UInt32(span.lowerBound), UInt32(span.upperBound)] }
        spanStarts.append(UInt64(self.spans.count / 2))
    }

    /// Copies a document of another shard with the same vocabulary.
    package func append(_ document: Int, of shard: TokenShard) throws(FileError) {
        precondition(shard.width == width, "shards of one preparation have one width")
        try output.write(shard.rawTokens(of: document))
        end(shard.count(of: document), shard.targetSpans(of: document))
    }

    /// Makes the shard durable under its name.
    package func finish(as name: String) throws(FileError) {
        try output.align()
        try output.write(numbers: starts)
        if !spans.isEmpty {
            try output.write(numbers: spanStarts)
            try output.write(numbers: spans)
        }
        try output.finish(header: header())
        try output.commit(as: name)
    }

    private func header() -> [UInt8] {
        var bytes = TokenShard.magic
        func put<Number: FixedWidthInteger>(_ number: Number) {
            withUnsafeBytes(of: number.littleEndian) { bytes += $0 }
        }
        put(TokenShard.version)
        put(UInt32(width))
        for number in [vocabulary, documents, tokens, spans.count / 2] { put(UInt64(number)) }
        return bytes + [UInt8](repeating: 0, count: TokenShard.headerBytes - bytes.count)
    }
}
