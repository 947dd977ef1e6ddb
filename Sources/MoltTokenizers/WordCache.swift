#if canImport(Glibc)
import Glibc
#endif

/// The tokens of words seen before: open addressing, one block for the words' bytes and one for their tokens. Forgets
/// everything when it is full, so that it never grows beyond `Limits`.
final class WordCache {
    private struct Slot {
        /// Zero when the slot is free.
        var hash: UInt64
        var bytes: UInt32
        var ids: UInt32
        var byteCount: UInt16
        var idCount: UInt16
    }

    private static let size = Limits.cachedWordsMax * 2
    private let slots = UnsafeMutablePointer<Slot>.allocate(capacity: WordCache.size)
    private let seed = ByteHash.seed
    private var count = 0
    private var bytes: [UInt8] = []
    private var ids: [Int32] = []

    init() {
        memset(slots, 0, Self.size * MemoryLayout<Slot>.stride)
    }

    deinit { slots.deallocate() }

    @inline(__always) func hash(_ p: UnsafePointer<UInt8>, _ count: Int) -> UInt64 { ByteHash.of(p, count, seed) | 1 }

    /// Appends the tokens of a word; false when it is not known.
    @inline(__always)
    func append(_ p: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64, to result: inout [Int32]) -> Bool {
        var at = Int(truncatingIfNeeded: hash >> 1) & (Self.size - 1)
        while slots[at].hash != 0 {
            let slot = slots[at]
            if slot.hash == hash, Int(slot.byteCount) == count, isEqual(slot, p) {
                let first = Int(slot.ids)
                if slot.idCount == 1 {
                    result.append(ids[first])
                } else {
                    for index in first..<first + Int(slot.idCount) { result.append(ids[index]) }
                }
                return true
            }
            at = (at + 1) & (Self.size - 1)
        }
        return false
    }

    @inline(__always) private func isEqual(_ slot: Slot, _ p: UnsafePointer<UInt8>) -> Bool {
        bytes.withUnsafeBufferPointer {
            memcmp($0.baseAddress.unsafelyUnwrapped + Int(slot.bytes), p, Int(slot.byteCount)) == 0
        }
    }

    func insert(_ p: UnsafePointer<UInt8>, _ count: Int, _ hash: UInt64, _ tokens: ArraySlice<Int32>) {
        guard count > 0, count <= Limits.cachedWordBytesMax, tokens.count <= 4 * Limits.cachedWordBytesMax else {
            return
        }
        if self.count >= Limits.cachedWordsMax { forget() }
        var at = Int(truncatingIfNeeded: hash >> 1) & (Self.size - 1)
        while slots[at].hash != 0 { at = (at + 1) & (Self.size - 1) }
        slots[at] = Slot(
            hash: hash, bytes: UInt32(bytes.count), ids: UInt32(ids.count), byteCount: UInt16(count),
            idCount: UInt16(tokens.count))
        bytes.append(contentsOf: UnsafeBufferPointer(start: p, count: count))
        ids += tokens
        self.count += 1
    }

    private func forget() {
        memset(slots, 0, Self.size * MemoryLayout<Slot>.stride)
        bytes.removeAll(keepingCapacity: true)
        ids.removeAll(keepingCapacity: true)
        count = 0
    }
}
