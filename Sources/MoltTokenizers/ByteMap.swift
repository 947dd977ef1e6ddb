#if canImport(Glibc)
import Glibc
#endif

/// Hashes of short byte strings; another seed in every process, so that no text can be made to collide.
enum ByteHash {
    static let seed = UInt64.random(in: .min ... .max)

    @inline(__always) static func mix(_ value: UInt64) -> UInt64 {
        let (high, low) = value.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return high ^ low
    }

    @inline(__always) static func of(_ p: UnsafePointer<UInt8>, _ count: Int, _ seed: UInt64) -> UInt64 {
        let raw = UnsafeRawPointer(p)
        var hash = mix(seed ^ UInt64(truncatingIfNeeded: count))
        if count < 8 {
            var value: UInt64 = 0
            if count >= 4 {
                value = UInt64(raw.loadUnaligned(as: UInt32.self))
                value |= UInt64(raw.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)) << 32
            } else if count > 0 {
                value = UInt64(p[0]) | UInt64(p[count >> 1]) << 8 | UInt64(p[count - 1]) << 16
            }
            return mix(hash ^ value)
        }
        var at = 0
        while at + 8 < count {
            hash = mix(hash ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        return mix(hash ^ raw.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self))
    }
}

/// Byte strings to numbers: open addressing over one block of bytes. Filled at load, read by all threads afterwards.
struct ByteMap: Sendable {
    private struct Slot {
        var hash: UInt64 = 0
        var offset: UInt32 = 0
        /// Negative when the slot is free.
        var count: Int32 = -1
        var value: Int32 = 0
    }

    private var bytes: [UInt8] = []
    private var slots: [Slot]
    private(set) var count = 0
    private let seed = ByteHash.seed

    init(capacity: Int) {
        var size = 16
        while size < capacity * 2 { size *= 2 }
        slots = [Slot](repeating: Slot(), count: size)
    }

    /// The number of a string; nil when it was never set.
    func find(_ p: UnsafePointer<UInt8>, _ count: Int) -> Int32? {
        let hash = ByteHash.of(p, count, seed)
        return slots.withUnsafeBufferPointer { slots in
            bytes.withUnsafeBufferPointer { bytes in
                var at = Int(truncatingIfNeeded: hash) & (slots.count - 1)
                while slots[at].count >= 0 {
                    if slots[at].hash == hash, Int(slots[at].count) == count,
                        count == 0
                            || memcmp(bytes.baseAddress.unsafelyUnwrapped + Int(slots[at].offset), p, count) == 0
                    {
                        return slots[at].value
                    }
                    at = (at + 1) & (slots.count - 1)
                }
                return nil
            }
        }
    }

    func find(_ key: [UInt8]) -> Int32? { key.withUnsafeBufferPointer { find($0) } }
    func find(_ key: ArraySlice<UInt8>) -> Int32? { key.withUnsafeBufferPointer { find($0) } }
    func find(_ key: String) -> Int32? { find(Array(key.utf8)) }

    private func find(_ key: UnsafeBufferPointer<UInt8>) -> Int32? {
        if let base = key.baseAddress { return find(base, key.count) }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { empty in
            empty.baseAddress.flatMap { find($0, 0) }
        }
    }

    /// Sets a string's number; a string that has one gets the new one.
    mutating func set(_ key: [UInt8], _ value: Int32) {
        if (count + 1) * 2 > slots.count { grow() }
        let hash = Self.hash(key, seed)
        var at = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[at].count >= 0 {
            let slot = slots[at]
            if slot.hash == hash, Int(slot.count) == key.count,
                bytes[Int(slot.offset)..<Int(slot.offset) + key.count].elementsEqual(key)
            {
                slots[at].value = value
                return
            }
            at = (at + 1) & (slots.count - 1)
        }
        slots[at] = Slot(hash: hash, offset: UInt32(bytes.count), count: Int32(key.count), value: value)
        bytes += key
        count += 1
    }

    private static func hash(_ key: [UInt8], _ seed: UInt64) -> UInt64 {
        key.withUnsafeBufferPointer { key in
            key.baseAddress.map { ByteHash.of($0, key.count, seed) } ?? ByteHash.mix(ByteHash.mix(seed))
        }
    }

    private mutating func grow() {
        let old = slots
        slots = [Slot](repeating: Slot(), count: old.count * 2)
        for slot in old where slot.count >= 0 {
            var at = Int(truncatingIfNeeded: slot.hash) & (slots.count - 1)
            while slots[at].count >= 0 { at = (at + 1) & (slots.count - 1) }
            slots[at] = slot
        }
    }
}
