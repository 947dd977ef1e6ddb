/// Strings in a tree by their bytes, for those that begin at a place of a text.
struct ByteTrie: Sendable {
    /// True for each byte that some string begins with.
    private var begins = [Bool](repeating: false, count: 256)
    /// (node, byte) → node.
    private let edges: PairTable
    /// The string that ends in a node, -1 for none.
    private var values: [Int32] = [-1]

    /// - Parameter keepsLast: which of equal strings counts.
    init(_ strings: [[UInt8]], keepsLast: Bool = false) {
        var known: [UInt64: Int32] = [:]
        var list: [PairTable.Merge] = []
        for (index, string) in strings.enumerated() where !string.isEmpty {
            begins[Int(string[0])] = true
            var node: Int32 = 0
            for byte in string {
                let key = UInt64(node) << 8 | UInt64(byte)
                if let next = known[key] {
                    node = next
                } else {
                    let next = Int32(values.count)
                    values.append(-1)
                    known[key] = next
                    list.append(PairTable.Merge(left: node, right: Int32(byte), rank: 0, id: next))
                    node = next
                }
            }
            if keepsLast || values[Int(node)] < 0 { values[Int(node)] = Int32(index) }
        }
        edges = PairTable(list)
    }

    /// The first place from `from` on where a string is, and the longest there.
    func next(in text: UnsafeBufferPointer<UInt8>, from: Int) -> (start: Int, end: Int, value: Int)? {
        guard values.count > 1 else { return nil }
        return begins.withUnsafeBufferPointer { begins in
            var at = from
            while at < text.count {
                if begins[Int(text[at])], let (end, value) = longest(text, at) { return (at, end, value) }
                at += 1
            }
            return nil
        }
    }

    func longest(_ text: UnsafeBufferPointer<UInt8>, _ start: Int) -> (end: Int, value: Int)? {
        var found: (Int, Int)?
        forEachPrefix(text, start) { found = ($0, $1) }
        return found
    }

    /// Calls `body` with the end and the number of each string that begins at `start`, the shortest first.
    @inline(__always)
    func forEachPrefix(_ text: UnsafeBufferPointer<UInt8>, _ start: Int, _ body: (Int, Int) -> Void) {
        values.withUnsafeBufferPointer { values in
            var node: Int32 = 0
            var at = start
            while at < text.count, case let edge = edges.find(node, Int32(text[at])), edge != PairTable.none {
                node = Int32(truncatingIfNeeded: edge)
                at += 1
                let value = values[Int(node)]
                if value >= 0 { body(at, Int(value)) }
            }
        }
    }
}
