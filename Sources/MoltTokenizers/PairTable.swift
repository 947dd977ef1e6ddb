/// Which two neighbours become one token, and how early: (left, right) → (rank, id).
// Nothing is written after `init`; the memory lives as long as the object.
final class PairTable: @unchecked Sendable {
    struct Merge {
        var left: Int32
        var right: Int32
        /// Lower goes first.
        var rank: UInt32
        var id: Int32
    }

    /// What `find` says of two that never become one.
    static let none = UInt64.max

    private struct Slot {
        var key: UInt64
        var value: UInt64
    }

    private let slots: UnsafeMutablePointer<Slot>
    private let mask: Int
    let isEmpty: Bool

    /// Of two entries for one pair the later counts.
    init(_ merges: [Merge]) {
        var size = 16
        while size < merges.count * 2 { size *= 2 }
        mask = size - 1
        isEmpty = merges.isEmpty
        slots = .allocate(capacity: size)
        slots.initialize(repeating: Slot(key: .max, value: Self.none), count: size)
        for merge in merges {
            let key = Self.key(merge.left, merge.right)
            var at = Int(truncatingIfNeeded: ByteHash.mix(key)) & mask
            while slots[at].key != .max, slots[at].key != key { at = (at + 1) & mask }
            slots[at] = Slot(key: key, value: UInt64(merge.rank) << 32 | UInt64(UInt32(bitPattern: merge.id)))
        }
    }

    deinit { slots.deallocate() }

    @inline(__always) private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The rank in the upper half and the id in the lower; `none` when the two stay apart.
    @inline(__always) func find(_ left: Int32, _ right: Int32) -> UInt64 {
        let key = Self.key(left, right)
        var at = Int(truncatingIfNeeded: ByteHash.mix(key)) & mask
        while true {
            let slot = slots[at]
            if slot.key == key { return slot.value }
            if slot.key == .max { return Self.none }
            at = (at + 1) & mask
        }
    }
}
