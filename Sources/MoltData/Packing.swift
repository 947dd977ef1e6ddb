package import MoltCore

/// A stretch of one document inside a sequence.
package struct Piece: Equatable, Sendable {
    package var document: Int
    package var offset: Int
    package var count: Int

    package init(document: Int, offset: Int, count: Int) {
        self.document = document
        self.offset = offset
        self.count = count
    }
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
///
/// It keeps four bytes a document (with best fit eight) and at most sixteen a sequence: corpora have many documents.
package struct PackedEpoch {
    package let sequenceLength: Int
    private let shapes: DocumentShapes
    private let layout: any SequenceLayout
    /// Sequences in the order in which they are served; empty for that in which they were packed.
    private let order: [UInt32]

    /// - Parameters:
    ///   - shapes: of as many documents and tokens as `check` lets pass.
    ///   - seed: nil keeps documents and sequences in the order of the files.
    package init(
        shapes: DocumentShapes, sequenceLength: Int, packing: Packing, seed: UInt64?, epoch: Int
    ) {
        precondition(sequenceLength > 0, "a sequence has at least one token")
        var generator = SeededGenerator(seed ?? 0, UInt64(epoch))
        let documents = DocumentOrder(
            shapes.count, shuffled: seed == nil ? nil : generator.permutation(shapes.count, of: UInt32.self))
        layout = packing == .bestFit
            ? BestFit(shapes, order: documents, length: sequenceLength)
            : RunningLayout(shapes, order: documents, length: sequenceLength, isApart: packing == .none)
        self.shapes = shapes
        self.sequenceLength = sequenceLength
        order = seed == nil ? [] : generator.permutation(layout.sequenceCount, of: UInt32.self)
    }

    /// Documents, sequences and pieces are numbered with 32 bits.
    package static func check(_ source: any DocumentSource, sequenceLength: Int) throws(UserError) {
        let pieces = source.tokenCount / sequenceLength + 2 * source.shapes.count
        guard pieces <= Int(UInt32.max) else {
            throw UserError(
                "\(source.shapes.count) documents with \(source.tokenCount) tokens are too many to be packed at once",
                at: "data", fix: "name them as several parts of a blend")
        }
    }

    package var sequenceCount: Int { layout.sequenceCount }

    /// Documents in more than one piece.
    package var cutDocuments: Int { layout.cutDocuments }

    package func pieces(ofSample sample: Int) -> [Piece] {
        layout.pieces(of: order.isEmpty ? sample : Int(order[sample]))
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

/// The order in which documents are packed.
struct DocumentOrder {
    let count: Int
    private let shuffled: [UInt32]?

    init(_ count: Int, shuffled: [UInt32]?) {
        self.count = count
        self.shuffled = shuffled
    }

    subscript(place: Int) -> Int { shuffled.map { Int($0[place]) } ?? place }
}

/// Which pieces make which sequence.
protocol SequenceLayout {
    var sequenceCount: Int { get }
    /// Documents in more than one piece.
    var cutDocuments: Int { get }
    func pieces(of sequence: Int) -> [Piece]
}

/// Documents one after the other. Where each sequence begins is kept; what is in it follows from there.
struct RunningLayout: SequenceLayout {
    private let shapes: DocumentShapes
    private let order: DocumentOrder
    private let length: Int
    private let isApart: Bool
    /// Of each sequence: the place in the order of its first document, and that document's first token in it.
    private var places: [UInt32] = []
    private var offsets: [Int] = []
    private(set) var cutDocuments = 0

    var sequenceCount: Int { places.count }

    init(_ shapes: DocumentShapes, order: DocumentOrder, length: Int, isApart: Bool) {
        self.shapes = shapes
        self.order = order
        self.length = length
        self.isApart = isApart
        var room = length
        for place in 0..<order.count {
            let shape = shapes[order[place]]
            if beginsSequence(shape, room: room) { room = length }
            if shape.tokens > room { cutDocuments += 1 }
            var offset = 0
            while offset < shape.tokens {
                if room == length {
                    places.append(UInt32(place))
                    offsets.append(offset)
                }
                let count = min(room, shape.tokens - offset)
                offset += count
                room -= count
                if room == 0 { room = length }
            }
        }
    }

    /// Whether a document goes into a new sequence although the last one has room left.
    private func beginsSequence(_ shape: DocumentShape, room: Int) -> Bool {
        isApart || !shape.isText && shape.tokens > room
    }

    func pieces(of sequence: Int) -> [Piece] {
        var place = Int(places[sequence]), offset = offsets[sequence], room = length
        var pieces: [Piece] = []
        while room > 0, place < order.count {
            let document = order[place], shape = shapes[document]
            if offset == 0, room < length, beginsSequence(shape, room: room) { break }
            let count = min(room, shape.tokens - offset)
            if count > 0 { pieces.append(Piece(document: document, offset: offset, count: count)) }
            room -= count
            offset = 0
            place += 1
        }
        return pieces
    }
}
