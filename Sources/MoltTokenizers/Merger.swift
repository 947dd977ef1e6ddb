/// Byte-pair encoding's one rule: of all neighbours that may become one, the pair of the lowest rank does, the leftmost
/// first, until none is left (Sennrich et al. 2016). Works in place; its memory is used again.
final class Merger {
    private var values: [UInt64] = []
    private var next: [Int32] = []
    private var previous: [Int32] = []
    private var heap: [UInt64] = []

    /// - Returns: how many tokens are left at the start of `ids`.
    func merge(_ ids: UnsafeMutableBufferPointer<Int32>, _ pairs: PairTable) -> Int {
        if ids.count < 2 { return ids.count }
        return ids.count <= 48 ? byScanning(ids, pairs) : byHeap(ids, pairs)
    }

    /// For words: looks at all pairs for every merge.
    private func byScanning(_ ids: UnsafeMutableBufferPointer<Int32>, _ pairs: PairTable) -> Int {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: ids.count) { values in
            var count = ids.count
            for index in 0..<count - 1 { values[index] = pairs.find(ids[index], ids[index + 1]) }
            while true {
                var best = UInt64.max
                var at = 0
                for index in 0..<count - 1 where values[index] >> 32 < best >> 32 {
                    (best, at) = (values[index], index)
                }
                guard best != PairTable.none else { return count }
                ids[at] = Int32(truncatingIfNeeded: best)
                count -= 1
                for index in at + 1..<max(count, at + 1) { ids[index] = ids[index + 1] }
                for index in at..<max(count - 1, at) where index > at { values[index] = values[index + 1] }
                if at + 1 < count { values[at] = pairs.find(ids[at], ids[at + 1]) }
                if at > 0 { values[at - 1] = pairs.find(ids[at - 1], ids[at]) }
                if count < 2 { return count }
            }
        }
    }

    /// For long stretches without a cut: pairs wait in a heap; those that are gone when their turn comes are passed.
    private func byHeap(_ ids: UnsafeMutableBufferPointer<Int32>, _ pairs: PairTable) -> Int {
        let count = ids.count
        next = (0..<count).map { Int32($0 + 1) }
        previous = (0..<count).map { Int32($0 - 1) }
        values = [UInt64](repeating: PairTable.none, count: count)
        heap.removeAll(keepingCapacity: true)
        for index in 0..<count - 1 { look(index, ids, pairs) }
        while let entry = pop() {
            let at = Int(entry & 0xFFFF_FFFF)
            let value = values[at]
            guard value != PairTable.none, value >> 32 == entry >> 32 else { continue }
            let right = Int(next[at])
            let after = Int(next[right])
            ids[at] = Int32(truncatingIfNeeded: value)
            values[right] = PairTable.none
            next[at] = Int32(after)
            if after < count { previous[after] = Int32(at) }
            look(at, ids, pairs)
            if previous[at] >= 0 { look(Int(previous[at]), ids, pairs) }
        }
        var written = 0
        var at = 0
        while at < count {
            ids[written] = ids[at]
            written += 1
            at = Int(next[at])
        }
        return written
    }

    private func look(_ at: Int, _ ids: UnsafeMutableBufferPointer<Int32>, _ pairs: PairTable) {
        let right = Int(next[at])
        let value = right < ids.count ? pairs.find(ids[at], ids[right]) : PairTable.none
        values[at] = value
        if value != PairTable.none { push(value & ~0xFFFF_FFFF | UInt64(at)) }
    }

    private func push(_ entry: UInt64) {
        heap.append(entry)
        var at = heap.count - 1
        while at > 0, heap[(at - 1) / 2] > heap[at] {
            heap.swapAt(at, (at - 1) / 2)
            at = (at - 1) / 2
        }
    }

    private func pop() -> UInt64? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var at = 0
        while true {
            var child = 2 * at + 1
            guard child < heap.count else { return first }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < heap[at] else { return first }
            heap.swapAt(child, at)
            at = child
        }
    }
}
