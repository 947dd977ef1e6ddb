/// In which order the sources of a blend take turns: a repeating pattern of sequences, so that where a source is after
/// any number of them takes no replay.
///
/// Weights become whole shares of a fixed number of turns, by the largest remainders; each turn goes to the source
/// that is furthest behind its share. So after every turn each source is within one sequence of its due, and after a
/// full pattern exactly at it.
struct BlendPattern: Equatable, Sendable {
    /// Of each source, how many turns in a full pattern.
    let shares: [Int]
    /// Which source has each turn of a pattern.
    private let turns: [UInt16]
    /// Turns that each source had before every `stride`-th turn.
    private let before: [[Int]]
    private static let stride = 256

    /// - Parameter weights: above zero.
    init(_ weights: [Double], turns length: Int = Limits.blendTurns) {
        let total = weights.reduce(0, +)
        let exact = weights.map { $0 / total * Double(length) }
        var shares = exact.map { Int($0) }
        let order = exact.indices.sorted {
            let left = exact[$0] - Double(shares[$0]), right = exact[$1] - Double(shares[$1])
            return left == right ? $0 < $1 : left > right
        }
        for source in order.prefix(length - shares.reduce(0, +)) { shares[source] += 1 }
        var turns: [UInt16] = [], counts = shares.map { _ in 0 }, before: [[Int]] = []
        for turn in 0..<length {
            if turn % Self.stride == 0 { before.append(counts) }
            // Whole numbers: share · (turn + 1) − count · length, the larger the further behind.
            var chosen = 0, furthest = Int.min
            for source in shares.indices where counts[source] < shares[source] {
                let behind = shares[source] * (turn + 1) - counts[source] * length
                if behind > furthest { (chosen, furthest) = (source, behind) }
            }
            turns.append(UInt16(chosen))
            counts[chosen] += 1
        }
        self.shares = shares
        self.turns = turns
        self.before = before
    }

    /// The source of a turn, counted from the beginning of the blend.
    func source(ofTurn turn: Int) -> Int { Int(turns[turn % turns.count]) }

    /// The turns that a source has among the first `turn` ones.
    func count(of source: Int, before turn: Int) -> Int {
        let (rounds, rest) = turn.quotientAndRemainder(dividingBy: turns.count)
        let block = rest / Self.stride
        var count = rounds * shares[source]
        guard block < before.count else { return count }
        count += before[block][source]
        for index in (block * Self.stride)..<rest where Int(turns[index]) == source { count += 1 }
        return count
    }
}
