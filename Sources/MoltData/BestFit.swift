/// Puts each document into the sequence that it leaves the least room in (best fit, the longest first), so that none
/// is cut that a sequence can hold. What is longer is cut into whole sequences and a rest, which is packed, too.
///
/// Rooms are looked up by their size in a tree of the sizes that occur, so n documents cost n · log(length).
struct BestFit {
    private(set) var sequences: [[Piece]] = []

    /// - Parameter order: decides among pieces of one size, and so which documents meet.
    init(_ shapes: [DocumentShape], order: [Int], length: Int) {
        var pieces: [Piece] = []
        for document in order {
            var offset = 0
            while offset < shapes[document].tokens {
                let count = min(length, shapes[document].tokens - offset)
                pieces.append(Piece(document: document, offset: offset, count: count))
                offset += count
            }
        }
        var bySize: [Int: [Piece]] = [:]
        for piece in pieces { bySize[piece.count, default: []].append(piece) }
        /// Sequences by the room that they have left; the last opened is taken first.
        var open: [Int: [Int]] = [:]
        var rooms = SizeTree(length)
        for size in bySize.keys.sorted(by: >) {
            for piece in bySize[size] ?? [] {
                let room = rooms.smallest(atLeast: size)
                var sequence = sequences.count
                if let room, let found = open[room]?.popLast() {
                    sequence = found
                    if open[room]?.isEmpty == true { rooms.remove(room) }
                    sequences[found].append(piece)
                } else {
                    sequences.append([piece])
                }
                let left = (room ?? length) - size
                guard left > 0 else { continue }
                open[left, default: []].append(sequence)
                rooms.insert(left)
            }
        }
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
