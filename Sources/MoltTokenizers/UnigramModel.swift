import MoltCore

/// The best path through all ways to spell a text with pieces that have log-probabilities (Kudo 2018; Viterbi).
final class UnigramModel: Sendable {
    struct Settings: Sendable {
        var unknown: Int32?
        var fallsBackToBytes = false
        /// Sums are kept in 32 bits, as SentencePiece does; `tokenizers` keeps them in 64.
        var isSingle = false
    }

    /// What an unknown character scores below the worst piece.
    private static let unknownPenalty = 10.0
    /// What a user-defined symbol scores for each byte after the first, however likely the other pieces are. So does
    /// SentencePiece from 0.2.2 on; before, it was nearly -0.1 for every symbol.
    private static let forcedScore = 0.1
    /// Sums of 32 bits begin anew beyond it, as in SentencePiece from 0.2.2 on: there they hold no small differences.
    private static let singleSumMax = 100_000.0

    private let settings: Settings
    private let trie: ByteTrie
    private let scores: [Double]
    private let ids: [Int32]
    private let unknownScore: Double
    private let names: ByteMap
    private let bytes: [Int32?]

    struct Entry: Sendable {
        var text: [UInt8]
        var id: Int32
        var score: Double
        /// Of user-defined symbols, whose score is their length's.
        var isForced = false
        /// Whether its score counts for the smallest.
        var isNormal = true
    }

    /// - Parameters:
    ///   - names: all tokens, those of single bytes too.
    init(_ entries: [Entry], names: ByteMap, settings: Settings) {
        self.settings = settings
        self.names = names
        trie = ByteTrie(entries.map(\.text), keepsLast: true)
        func rounded(_ score: Double) -> Double { settings.isSingle ? Double(Float(score)) : score }
        scores = entries.map { rounded($0.isForced ? Self.forcedScore * Double($0.text.count - 1) : $0.score) }
        ids = entries.map(\.id)
        let smallest = entries.filter(\.isNormal).map(\.score).min()
        unknownScore = rounded((smallest ?? Double(Float.greatestFiniteMagnitude)) - Self.unknownPenalty)
        bytes = (0..<256).map { names.find(ByteToken.name(UInt8($0))) }
    }

    private struct Node {
        var score = 0.0
        var start: Int32 = -1
        /// -1 for an unknown character.
        var entry: Int32 = -1
    }

    /// Appends the tokens of one piece of text.
    func append(_ text: UnsafeBufferPointer<UInt8>, to result: inout [Int32]) throws(UserError) {
        guard !text.isEmpty else { return }
        var nodes = [Node](repeating: Node(), count: text.count + 1)
        nodes.withUnsafeMutableBufferPointer { fill($0, text) }
        var spans: [(start: Int, end: Int, entry: Int32)] = []
        var end = text.count
        while end > 0 {
            let node = nodes[end]
            // Unknown characters beside each other are one.
            if node.entry < 0, let last = spans.last, last.entry < 0 {
                spans[spans.count - 1].start = Int(node.start)
            } else {
                spans.append((Int(node.start), end, node.entry))
            }
            end = Int(node.start)
        }
        for span in spans.reversed() {
            if span.entry >= 0 { result.append(ids[Int(span.entry)]) } else { try unknown(text, span, &result) }
        }
    }

    private func fill(_ nodes: UnsafeMutableBufferPointer<Node>, _ text: UnsafeBufferPointer<UInt8>) {
        var at = 0
        var reached = 0
        while at < text.count {
            let length = UTF8Text.length(text[at])
            if settings.isSingle, abs(nodes[at].score) > Self.singleSumMax { beginAnew(nodes, at...max(at, reached)) }
            let before = nodes[at].score
            let start = Int32(at)
            var hasSingle = false
            trie.forEachPrefix(text, at) { end, entry in
                offer(scores[entry] + before, start, Int32(entry), &nodes[end])
                reached = max(reached, end)
                if end - at == length { hasSingle = true }
            }
            if !hasSingle {
                let end = min(at + length, text.count)
                offer(unknownScore + before, start, -1, &nodes[end])
                reached = max(reached, end)
            }
            at += length
        }
    }

    /// Counts the sums of the places that can be reached so far from the first of them.
    private func beginAnew(_ nodes: UnsafeMutableBufferPointer<Node>, _ places: ClosedRange<Int>) {
        let first = nodes[places.lowerBound].score
        for place in places where nodes[place].start >= 0 {
            nodes[place].score = Double(Float(nodes[place].score - first))
        }
    }

    @inline(__always)
    private func offer(_ score: Double, _ start: Int32, _ entry: Int32, _ node: inout Node) {
        let score = settings.isSingle ? Double(Float(score)) : score
        if node.start < 0 || score > node.score { node = Node(score: score, start: start, entry: entry) }
    }

    private func unknown(
        _ text: UnsafeBufferPointer<UInt8>, _ span: (start: Int, end: Int, entry: Int32), _ result: inout [Int32]
    ) throws(UserError) {
        let stretch = Array(text[span.start..<span.end])
        if !settings.isSingle, let id = names.find(stretch) { return result.append(id) }
        if settings.fallsBackToBytes {
            let found = stretch.compactMap { bytes[Int($0)] }
            if found.count == stretch.count {
                result += found
                return
            }
        }
        guard let unknown = settings.unknown else {
            let shown = DisplayText.escaped(String(decoding: stretch.prefix(40), as: UTF8.self))
            throw UserError(
                "the tokenizer has no token for '\(shown)' and none for what is unknown",
                fix: "give its model an 'unk_id', or take another tokenizer")
        }
        result.append(unknown)
    }
}
