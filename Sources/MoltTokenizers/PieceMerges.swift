/// SentencePiece's BPE: characters and user-defined symbols become pieces, those of the best score first.
///
/// The scores become ranks and the ways to split a piece become a table of pairs, so that the work is the `Merger`'s.
final class PieceMerges: Sendable {
    private let pairs: PairTable
    /// Pieces, and the characters of pieces that are none themselves.
    private let symbols: ByteMap
    private let userDefined: ByteTrie
    private let userDefinedIDs: [Int32]
    /// Pieces that must not be in the result.
    private let unused: Set<Int32>
    private let texts: [[UInt8]]
    private let unknown: Int32
    private let bytes: [Int32]?
    /// Words end in the sign for the space, which else they begin with.
    private let endsInSpace: Bool
    /// No piece has that sign elsewhere.
    private let isClosed: Bool
    /// Ids from here on are of characters that are no pieces, but part of some.
    private let firstCharacter: Int32

    init(_ contents: SentencePieceContents, unknown: Int32) {
        self.unknown = unknown
        let pieces = contents.pieces.enumerated().filter {
            $0.element.kind == .normal || $0.element.kind == .userDefined || $0.element.kind == .unused
        }
        var symbols = ByteMap(capacity: pieces.count * 2)
        for (id, piece) in pieces { symbols.set(piece.text, Int32(id)) }
        firstCharacter = Int32(contents.pieces.count)
        var next = firstCharacter
        for (_, piece) in pieces {
            for scalar in UTF8Text.scalars(piece.text) where symbols.find(UTF8Text.bytes([scalar])) == nil {
                symbols.set(UTF8Text.bytes([scalar]), next)
                next += 1
            }
        }
        self.symbols = symbols
        pairs = PairTable(Self.merges(pieces.map { (Int32($0.offset), $0.element) }, symbols))
        let own = pieces.filter { $0.element.kind == .userDefined }
        userDefined = ByteTrie(own.map(\.element.text))
        userDefinedIDs = own.map { Int32($0.offset) }
        unused = Set(pieces.filter { $0.element.kind == .unused }.map { Int32($0.offset) })
        texts = contents.pieces.map(\.text)
        var bytes = [Int32](repeating: unknown, count: 256)
        for (id, piece) in contents.pieces.enumerated() where piece.kind == .byte {
            if let byte = ByteToken.byte(piece.text) { bytes[Int(byte)] = Int32(id) }
        }
        self.bytes = contents.fallsBackToBytes ? bytes : nil
        let endsInSpace = contents.treatsSpaceAsSuffix
        self.endsInSpace = endsInSpace
        isClosed = unused.isEmpty && pieces.allSatisfy {
            !Seams.isCrossed(by: $0.element.text, SentencePieceNormalizer.sign, after: endsInSpace)
        }
    }

    private static func merges(
        _ pieces: [(id: Int32, piece: SentencePieceContents.Piece)], _ symbols: ByteMap
    ) -> [PairTable.Merge] {
        let scores = Set(pieces.map(\.piece.score)).sorted(by: >)
        let ranks = Dictionary(uniqueKeysWithValues: scores.enumerated().map { ($1, UInt32($0)) })
        var merges: [PairTable.Merge] = []
        for (id, piece) in pieces {
            for cut in piece.text.indices.dropFirst() where piece.text[cut] & 0xC0 != 0x80 {
                guard let left = symbols.find(piece.text[..<cut]), let right = symbols.find(piece.text[cut...]) else {
                    continue
                }
                merges.append(PairTable.Merge(left: left, right: right, rank: ranks[piece.score] ?? 0, id: id))
            }
        }
        return merges
    }

    /// - Parameter text: normalized.
    func append(_ text: UnsafeBufferPointer<UInt8>, _ bench: Workbench, to result: inout [Int32]) {
        guard let base = text.baseAddress else { return }
        let start = result.count
        guard isClosed else { return segment(base, text.count, bench, &result, joins: start) }
        Seams.forEach(text, SentencePieceNormalizer.sign, after: endsInSpace) { from, to in
            let count = to - from
            guard count <= Limits.cachedWordBytesMax else {
                return segment(base + from, count, bench, &result, joins: start)
            }
            let hash = bench.words.hash(base + from, count)
            let first = result.count
            // Unknown characters of two words would become one token.
            let follows = first > start && result[first - 1] == unknown
            if bench.words.append(base + from, count, hash, to: &result) {
                if follows, bytes == nil, result[first] == unknown { result.remove(at: first) }
                return
            }
            var word: [Int32] = []
            segment(base + from, count, bench, &word, joins: 0)
            bench.words.insert(base + from, count, hash, word[...])
            result += follows && bytes == nil && word.first == unknown ? word.dropFirst() : word[...]
        }
    }

    /// One stretch without a seam.
    /// - Parameter joins: unknown tokens before this place of the result do not join new ones.
    private func segment(
        _ p: UnsafePointer<UInt8>, _ count: Int, _ bench: Workbench, _ result: inout [Int32], joins: Int
    ) {
        let text = UnsafeBufferPointer(start: p, count: count)
        // Symbols with the place where each begins; user-defined ones take part in no merge.
        var symbols: [Int32] = []
        var stretch = 0
        var at = 0
        var stretchStart = 0
        func finish(_ end: Int) {
            guard symbols.count > stretch else { return }
            merge(&symbols, text, stretchStart, &result, bench, joins: joins)
            symbols.removeAll(keepingCapacity: true)
            stretch = 0
        }
        while at < count {
            if let (end, value) = userDefined.longest(text, at) {
                finish(at)
                result.append(userDefinedIDs[value])
                at = end
                stretchStart = at
                continue
            }
            let length = UTF8Text.length(text[at])
            symbols.append(self.symbols.find(p + at, length) ?? -1)
            at += length
        }
        finish(count)
    }

    private func merge(
        _ symbols: inout [Int32], _ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ result: inout [Int32],
        _ bench: Workbench, joins: Int
    ) {
        let left = symbols.withUnsafeMutableBufferPointer { bench.merger.merge($0, pairs) }
        var at = start
        for id in symbols[..<left] {
            let isPiece = id >= 0 && id < firstCharacter
            let length = isPiece ? texts[Int(id)].count : UTF8Text.length(text[at])
            if isPiece {
                if unused.contains(id) { takeApart(texts[Int(id)], &result) } else { result.append(id) }
            } else if let bytes {
                for byte in text[at..<at + length] { result.append(bytes[Int(byte)]) }
            } else if result.count <= joins || result.last != unknown {
                result.append(unknown)
            }
            at += length
        }
    }

    /// An unused piece goes back to the pieces that it was made of.
    private func takeApart(_ text: [UInt8], _ result: inout [Int32]) {
        for scalar in UTF8Text.scalars(text) {
            let id = symbols.find(UTF8Text.bytes([scalar])) ?? unknown
            result.append(id < firstCharacter && !unused.contains(id) ? id : unknown)
        }
    }
}
