/// Puts each document into the sequence that it leaves the least room in (best fit, the longest first), so that none
/// is cut that a sequence can hold. What is longer is cut into whole sequences and a rest, which is packed, too.
///
/// Rooms are looked up by their size in a tree of the sizes that occur, so n documents cost n · log(length).
struct BestFit: SequenceLayout {
    private let shapes: DocumentShapes
    private let length: Int
    /// Document and, below it, number of the cut: 32 bits each.
    private var pieces: [UInt64] = []
    /// `starts[i]..<starts[i + 1]` are the pieces of sequence i.
    private var starts: [UInt32] = [0]
    private(set) var cutDocuments = 0

    var sequenceCount: Int { starts.count - 1 }

    /// - Parameter order: decides among pieces of one size, and so which documents meet.
    init(_ shapes: DocumentShapes, order: DocumentOrder, length: Int) {
        self.shapes = shapes
        self.length = length
        let (sorted, sizes) = bySize(order)
        let (sequences, count) = Self.fit(sizes, length: length)
        // Sorted by sequence, and stable: a sequence has its longest piece first.
        var next = Array(repeating: UInt32(0), count: count + 1)
        for sequence in sequences { next[Int(sequence) + 1] += 1 }
        for sequence in 0..<count { next[sequence + 1] += next[sequence] }
        starts = next
        pieces = Array(repeating: 0, count: sorted.count)
        for (piece, sequence) in zip(sorted, sequences) {
            pieces[Int(next[Int(sequence)])] = piece
            next[Int(sequence)] += 1
        }
    }

    func pieces(of sequence: Int) -> [Piece] {
        pieces[Int(starts[sequence])..<Int(starts[sequence + 1])].map { packed in
            let document = Int(packed >> 32), offset = Int(packed & 0xFFFF_FFFF) * length
            return Piece(
                document: document, offset: offset, count: min(length, shapes[document].tokens - offset))
        }
    }

    /// All pieces, the longest first and otherwise in the order of the documents; and how many there are of each size.
    private mutating func bySize(_ order: DocumentOrder) -> (pieces: [UInt64], sizes: [Int]) {
        var sizes = Array(repeating: 0, count: length + 1), whole = 0
        for document in 0..<order.count {
            let tokens = shapes[document].tokens
            if tokens > length { cutDocuments += 1 }
            whole += tokens / length
            if tokens % length > 0 { sizes[tokens % length] += 1 }
        }
        sizes[length] = whole
        var next = Array(repeating: 0, count: length + 1)
        for size in stride(from: length - 1, through: 0, by: -1) { next[size] = next[size + 1] + sizes[size + 1] }
        var sorted = Array(repeating: UInt64(0), count: next[0])
        for place in 0..<order.count {
            let document = order[place], tokens = shapes[document].tokens
            for cut in 0..<((tokens + length - 1) / length) {
                let size = min(length, tokens - cut * length)
                sorted[next[size]] = UInt64(document) << 32 | UInt64(cut)
                next[size] += 1
            }
        }
        return (sorted, sizes)
    }

    /// The sequence of each piece, for pieces sorted by their size.
    private static func fit(_ sizes: [Int], length: Int) -> (sequences: [UInt32], count: Int) {
        let none = UInt32.max
        var sequences: [UInt32] = [], count = 0
        sequences.reserveCapacity(sizes.reduce(0, +))
        /// Sequences by the room that they have left, each with the one below it; the last opened is taken first.
        var top = Array(repeating: none, count: length + 1), below: [UInt32] = []
        var rooms = SizeTree(length)
        for size in stride(from: length, to: 0, by: -1) {
            for _ in 0..<sizes[size] {
                var left = length - size, sequence = UInt32(count)
                if let room = rooms.smallest(atLeast: size) {
                    sequence = top[room]
                    top[room] = below[Int(sequence)]
                    if top[room] == none { rooms.remove(room) }
                    left = room - size
                } else {
                    count += 1
                    below.append(none)
                }
                sequences.append(sequence)
                guard left > 0 else { continue }
                below[Int(sequence)] = top[left]
                top[left] = sequence
                rooms.insert(left)
            }
        }
        return (sequences, count)
    }
}

/// A set of whole numbers from 1 to a bound that finds the smallest one not below another.
private struct SizeTree {
    /// One bit a number, then one bit for each word below that is not zero, and so on.
    private var levels: [[UInt64]] = []

    init(_ bound: Int) {
        var words = bound / 64 + 1
        levels.append(Array(repeating: 0, count: words))
        while words > 1 {
            words = (words + 63) / 64
            levels.append(Array(repeating: 0, count: words))
        }
    }

    mutating func insert(_ number: Int) {
        var index = number
        for level in levels.indices {
            levels[level][index / 64] |= 1 << UInt64(index % 64)
            index /= 64
        }
    }

    mutating func remove(_ number: Int) {
        var index = number
        for level in levels.indices {
            levels[level][index / 64] &= ~(1 << UInt64(index % 64))
            if levels[level][index / 64] != 0 { return }
            index /= 64
        }
    }

    func smallest(atLeast number: Int) -> Int? {
        var index = number, level = 0
        while level < levels.count {
            let word = index / 64
            guard word < levels[level].count else { return nil }
            let rest = levels[level][word] >> UInt64(index % 64)
            if rest != 0 {
                index += rest.trailingZeroBitCount
                while level > 0 {
                    level -= 1
                    index = index * 64 + levels[level][index].trailingZeroBitCount
                }
                return index
            }
            index = word + 1
            level += 1
        }
        return nil
    }
}
