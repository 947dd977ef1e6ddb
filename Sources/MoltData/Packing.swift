/// What packing needs to know of a document.
package struct DocumentShape: Hashable, Sendable {
    package var tokens: Int
    package var firstTarget: Int
    /// The ranges of tokens that are targets, where they are not simply everything from `firstTarget` on.
    package private(set) var spans: [Range<Int>] = []

    package init(tokens: Int, firstTarget: Int) {
        self.tokens = tokens
        self.firstTarget = firstTarget
    }

    /// - Parameter spans: ascending, and none of them empty; an empty list means everything after the first token.
    package init(tokens: Int, spans: [Range<Int>]) {
        self.tokens = tokens
        firstTarget = spans.first?.lowerBound ?? 1
        if spans.count > 1 || (spans.last?.upperBound ?? tokens) < tokens { self.spans = spans }
    }

    /// True when the loss counts everything after `begin`; otherwise a prompt comes first and should stay with its
    /// answer.
    var isText: Bool { countsEverything }

    /// True when every token but the first is a target.
    package var countsEverything: Bool { firstTarget <= 1 && spans.isEmpty }

    /// Tokens that the loss counts.
    var targetCount: Int {
        spans.isEmpty ? max(0, tokens - max(1, firstTarget)) : spans.reduce(0) { $0 + $1.count }
    }

    /// What a token shard keeps of the targets.
    var storedSpans: [Range<Int>] {
        if !spans.isEmpty { return spans }
        return firstTarget <= 1 ? [] : [firstTarget..<tokens]
    }
}

/// A stretch of one document inside a sequence.
package struct Piece: Equatable, Sendable {
    package var document: Int
    package var offset: Int
    package var count: Int
}

/// How documents share sequences.
package enum Packing: String, Codable, Sendable, CaseIterable {
    /// Every document begins a sequence.
    case none = "false"
    /// Documents follow each other; a text runs on into the next sequence.
    case runOn = "true"
    /// A document is put where it leaves the least room; it is cut only when it is longer than a sequence.
    case bestFit = "best_fit"
}

/// How the documents of one data epoch fill its sequences: a pure function of the shapes, the seed and the epoch.
///
/// Texts run on from one sequence into the next; a prompt with its completion is cut only when it is longer than a
/// sequence; with best fit every document is. State and attention never cross a document, because every piece gets its
/// own `seq_idx`.
package struct PackedEpoch: Sendable {
    package let sequenceLength: Int
    private let shapes: [DocumentShape]
    private let pieces: [Piece]
    /// `starts[i]..<starts[i + 1]` are the pieces of sequence i.
    private let starts: [Int]
    /// Sequences in the order in which they are served.
    private let order: [Int]

    /// - Parameter seed: nil keeps documents and sequences in the order of the files.
    package init(
        shapes: [DocumentShape], sequenceLength: Int, packing: Packing, seed: UInt64?, epoch: Int
    ) {
        precondition(sequenceLength > 0, "a sequence has at least one token")
        var generator = SeededGenerator(seed ?? 0, UInt64(epoch))
        let documents = seed == nil ? Array(shapes.indices) : generator.permutation(shapes.count)
        var packer = Packer(length: sequenceLength)
        if packing == .bestFit {
            packer.pack(BestFit(shapes, order: documents, length: sequenceLength))
        } else {
            for document in documents {
                let shape = shapes[document]
                if packing == .none || !shape.isText && shape.tokens > packer.room { packer.endSequence() }
                packer.append(document: document, tokens: shape.tokens)
            }
            packer.endSequence()
        }
        self.shapes = shapes
        self.sequenceLength = sequenceLength
        pieces = packer.pieces
        starts = packer.starts
        let count = packer.starts.count - 1
        order = seed == nil ? Array(0..<count) : generator.permutation(count)
    }

    package var sequenceCount: Int { order.count }

    /// Documents in more than one piece.
    package var cutDocuments: Int { pieces.count { $0.offset == 0 && $0.count < shapes[$0.document].tokens } }

    package func pieces(ofSample sample: Int) -> ArraySlice<Piece> {
        let sequence = order[sample]
        return pieces[starts[sequence]..<starts[sequence + 1]]
    }

    /// Targets that the loss counts in a sample; every rank can add them up for all ranks without talking to them.
    package func targetCount(ofSample sample: Int) -> Int {
        pieces(ofSample: sample).reduce(0) { sum, piece in sum + targets(of: piece).reduce(0) { $0 + $1.count } }
    }

    /// The document's token indices that are targets of a piece: those after its own tokens, inside the same document.
    /// Ascending ranges, none of them empty.
    package func targets(of piece: Piece) -> [Range<Int>] {
        let shape = shapes[piece.document]
        let end = min(piece.offset + piece.count + 1, shape.tokens)
        let following = min(piece.offset + 1, end)..<end
        guard !shape.spans.isEmpty else {
            let range = max(following.lowerBound, min(shape.firstTarget, end))..<end
            return range.isEmpty ? [] : [range]
        }
        return shape.spans.map { $0.clamped(to: following) }.filter { !$0.isEmpty }
    }
}

private struct Packer {
    let length: Int
    var pieces: [Piece] = []
    var starts = [0]
    var room: Int

    init(length: Int) {
        self.length = length
        room = length
    }

    mutating func append(document: Int, tokens: Int) {
        var offset = 0
        while offset < tokens {
            let count = min(room, tokens - offset)
            pieces.append(Piece(document: document, offset: offset, count: count))
            offset += count
            room -= count
            if room == 0 { endSequence() }
        }
    }

    mutating func endSequence() {
        guard room < length else { return }
        starts.append(pieces.count)
        room = length
    }

    mutating func pack(_ plan: BestFit) {
        for sequence in plan.sequences {
            for piece in sequence { pieces.append(piece) }
            starts.append(pieces.count)
        }
    }
}
