package import MoltCore

/// Documents as token ids, in a file that is mapped and read where it lies.
///
/// All numbers are little-endian. `n` documents, `t` tokens, `s` spans:
///
///     offset  0  "MOLTTOK\n"         8 bytes
///             8  version             u32, 1
///            12  width               u32, bytes a token: 2 for vocabularies of up to 65,536 ids, otherwise 4
///            16  vocabulary          u64, every id is below it
///            24  n                   u64
///            32  t                   u64
///            40  s                   u64
///            48  zeros               16 bytes
///            64  tokens              t × width bytes, then zeros up to a multiple of 8
///             …  starts              (n + 1) × u64, index of each document's first token; the last is t
///             …  span starts         (n + 1) × u64, index of each document's first span; absent when s is 0
///             …  spans               s × (u32, u32), from and to, counted from the document's first token
///
/// A span is a range of tokens that the loss counts as targets. A document without spans counts everything after its
/// first token.
package final class TokenShard {
    static let magic = Array("MOLTTOK\n".utf8)
    static let version: UInt32 = 1
    static let headerBytes = 64

    package let path: String
    package let documents: Int
    package let tokens: Int
    package let vocabulary: Int
    let width: Int
    let spans: Int
    private let file: MappedFile
    private let starts: Int
    private let spanStarts: Int
    private let spanList: Int

    /// Opens a shard and checks that its header, its size and its index agree.
    package init(path: String) throws(UserError) {
        self.path = path
        let file = try MappedFile(path: path)
        self.file = file
        func bad(_ what: String) -> UserError {
            UserError("not a whole token shard: \(what)", at: path, fix: "prepare the data again")
        }
        guard file.bytes.count >= Self.headerBytes, Array(file.bytes[0..<8]) == Self.magic else {
            throw bad("it does not begin like one")
        }
        let version = file.load(UInt32.self, at: 8)
        guard version == Self.version else { throw bad("its version is \(version)") }
        width = Int(file.load(UInt32.self, at: 12))
        let numbers = [16, 24, 32, 40].map { Int(clamping: file.load(UInt64.self, at: $0)) }
        (vocabulary, documents, tokens, spans) = (numbers[0], numbers[1], numbers[2], numbers[3])
        guard width == Self.width(vocabulary: vocabulary) else { throw bad("its tokens are \(width) bytes wide") }
        guard [vocabulary, documents, tokens, spans].allSatisfy({ $0 < 1 << 48 }) else { throw bad("its size") }
        starts = (Self.headerBytes + tokens * width + 7) / 8 * 8
        spanStarts = starts + (documents + 1) * 8
        spanList = spanStarts + (spans > 0 ? (documents + 1) * 8 : 0)
        let end = spanList + spans * 8
        guard end == file.bytes.count else { throw bad("it has \(file.bytes.count) bytes, not \(end)") }
        guard start(of: 0) == 0, start(of: documents) == tokens else { throw bad("its index") }
        for document in 0..<documents where start(of: document) > start(of: document + 1) {
            throw bad("its index at document \(document)")
        }
        if spans > 0 {
            guard firstSpan(of: 0) == 0, firstSpan(of: documents) == spans else { throw bad("its spans") }
            for document in 0..<documents { try checkSpans(of: document, bad) }
        }
    }

    private func checkSpans(of document: Int, _ bad: (String) -> UserError) throws(UserError) {
        let (from, to) = (firstSpan(of: document), firstSpan(of: document + 1))
        guard 0 <= from, from <= to, to <= spans else { throw bad("its spans at document \(document)") }
        var last = 1
        for index in from..<to {
            let span = bounds(ofSpan: index)
            guard last <= span.from, span.from < span.to, span.to <= count(of: document) else {
                throw bad("its spans at document \(document)")
            }
            last = span.to
        }
    }

    static func width(vocabulary: Int) -> Int { vocabulary <= 65_536 ? 2 : 4 }

    /// Tokens of a document.
    package func count(of document: Int) -> Int { start(of: document + 1) - start(of: document) }

    package func shape(of document: Int) -> DocumentShape {
        guard spans > 0 else { return DocumentShape(tokens: count(of: document), firstTarget: 1) }
        return DocumentShape(tokens: count(of: document), spans: targetSpans(of: document))
    }

    /// The ranges of a document's tokens that the loss counts; empty means everything after the first token.
    package func targetSpans(of document: Int) -> [Range<Int>] {
        guard spans > 0 else { return [] }
        return (firstSpan(of: document)..<firstSpan(of: document + 1)).map { index in
            let span = bounds(ofSpan: index)
            return span.from..<span.to
        }
    }

    package func tokens(of document: Int, in range: Range<Int>) throws(UserError) -> ArraySlice<Int32> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count(of: document), "a range of the document")
        let first = Self.headerBytes + (start(of: document) + range.lowerBound) * width
        var largest: UInt32 = 0
        let result: [Int32] = (0..<range.count).map { index in
            let token = width == 2
                ? UInt32(file.load(UInt16.self, at: first + 2 * index)) : file.load(UInt32.self, at: first + 4 * index)
            largest = max(largest, token)
            return Int32(truncatingIfNeeded: token)
        }
        guard largest < vocabulary else {
            throw UserError("a token id is \(largest), and the vocabulary has \(vocabulary)", at: path)
        }
        return result[...]
    }

    package func tokens(of document: Int) throws(UserError) -> [Int32] {
        Array(try tokens(of: document, in: 0..<count(of: document)))
    }

    /// A document's tokens as they lie in the file.
    func rawTokens(of document: Int) -> UnsafeRawBufferPointer {
        let from = Self.headerBytes + start(of: document) * width
        return UnsafeRawBufferPointer(rebasing: file.bytes[from..<(from + count(of: document) * width)])
    }

    private func start(of document: Int) -> Int {
        Int(clamping: file.load(UInt64.self, at: starts + 8 * document))
    }

    private func firstSpan(of document: Int) -> Int {
        Int(clamping: file.load(UInt64.self, at: spanStarts + 8 * document))
    }

    private func bounds(ofSpan index: Int) -> (from: Int, to: Int) {
        let offset = spanList + 8 * index
        return (Int(file.load(UInt32.self, at: offset)), Int(file.load(UInt32.self, at: offset + 4)))
    }
}
