import MoltData

/// What `PackedEpoch` must give, as one would write it down without a thought for memory: every piece of every
/// sequence in a list.
struct PlainPacker {
    let length: Int
    private(set) var sequences: [[Piece]] = []
    private var current: [Piece] = []
    private var room: Int

    init(_ shapes: [DocumentShape], length: Int, packing: Packing, seed: UInt64?, epoch: Int) {
        self.length = length
        room = length
        var generator = SeededGenerator(seed ?? 0, UInt64(epoch))
        let documents = seed == nil ? Array(shapes.indices) : generator.permutation(shapes.count)
        if packing == .bestFit {
            fit(documents, shapes)
        } else {
            for document in documents {
                let shape = shapes[document]
                let isWhole = !shape.countsEverything && shape.tokens > room
                if packing == .none || isWhole { endSequence() }
                append(document, shape.tokens)
            }
            endSequence()
        }
        if seed != nil { sequences = generator.permutation(sequences.count).map { sequences[$0] } }
    }

    private mutating func append(_ document: Int, _ tokens: Int) {
        var offset = 0
        while offset < tokens {
            let count = min(room, tokens - offset)
            current.append(Piece(document: document, offset: offset, count: count))
            offset += count
            room -= count
            if room == 0 { endSequence() }
        }
    }

    private mutating func endSequence() {
        if !current.isEmpty { sequences.append(current) }
        (current, room) = ([], length)
    }

    private mutating func fit(_ documents: [Int], _ shapes: [DocumentShape]) {
        var pieces: [Piece] = []
        for document in documents {
            for offset in stride(from: 0, to: shapes[document].tokens, by: length) {
                let count = min(length, shapes[document].tokens - offset)
                pieces.append(Piece(document: document, offset: offset, count: count))
            }
        }
        // Sequences by the room that they have left; the last opened is taken first.
        var open: [Int: [Int]] = [:]
        for size in stride(from: length, to: 0, by: -1) {
            for piece in pieces where piece.count == size {
                let room = open.filter { $0.key >= size && !$0.value.isEmpty }.keys.min()
                if let room, let sequence = open[room]?.popLast() {
                    sequences[sequence].append(piece)
                    open[room - size, default: []].append(sequence)
                } else {
                    sequences.append([piece])
                    open[length - size, default: []].append(sequences.count - 1)
                }
            }
        }
    }
}
