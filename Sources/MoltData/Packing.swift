/// What packing needs to know of a document.
package struct DocumentShape: Equatable, Sendable {
    package var tokens: Int
    package var firstTarget: Int

    package init(tokens: Int, firstTarget: Int) {
        self.tokens = tokens
        self.firstTarget = firstTarget
    }

    /// True when the loss counts everything after `begin`; otherwise a prompt comes first and should stay with its
    /// answer.
    var isText: Bool { firstTarget <= 1 }
}

/// A stretch of one document inside a sequence.
package struct Piece: Equatable, Sendable {
    package var document: Int
    package var offset: Int
    package var count: Int
}

/// How the documents of one data epoch fill its sequences: a pure function of the shapes, the seed and the epoch.
///
/// Texts run on from one sequence into the next; a prompt with its completion is cut only when it is longer than a
/// sequence. State and attention never cross a document, because every piece gets its own `seq_idx`.
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
        shapes: [DocumentShape], sequenceLength: Int, packing: Bool, seed: UInt64?, epoch: Int
    ) {
        precondition(sequenceLength > 0, "a sequence has at least one token")
        var generator = SeededGenerator(seed ?? 0, UInt64(epoch))
        let documents = seed == nil ? Array(shapes.indices) : generator.permutation(shapes.count)
        var packer = Packer(length: sequenceLength)
        for document in documents {
            let shape = shapes[document]
            if !packing || !shape.isText && shape.tokens > packer.room { packer.endSequence() }
            packer.append(document: document, tokens: shape.tokens)
        }
        packer.endSequence()
        self.shapes = shapes
        self.sequenceLength = sequenceLength
        pieces = packer.pieces
        starts = packer.starts
        let count = packer.starts.count - 1
        order = seed == nil ? Array(0..<count) : generator.permutation(count)
    }

    package var sequenceCount: Int { order.count }

    package func pieces(ofSample sample: Int) -> ArraySlice<Piece> {
        let sequence = order[sample]
        return pieces[starts[sequence]..<starts[sequence + 1]]
    }

    /// Targets that the loss counts in a sample; every rank can add them up for all ranks without talking to them.
    package func targetCount(ofSample sample: Int) -> Int {
        pieces(ofSample: sample).reduce(0) { $0 + targets(of: $1).count }
    }

    /// The document's token indices that are targets of a piece: those after its own tokens, inside the same document.
    package func targets(of piece: Piece) -> Range<Int> {
        let shape = shapes[piece.document]
        let end = min(piece.offset + piece.count + 1, shape.tokens)
        return min(max(piece.offset + 1, shape.firstTarget), end)..<end
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
}
