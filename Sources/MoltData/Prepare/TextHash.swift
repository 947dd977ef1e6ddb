import MoltCore

/// 128 bits of the SHA-256 of a document's texts, in which any run of ASCII white space is one blank and the ends have
/// none: nobody can make two texts collide, and a document that was only laid out anew counts as the same.
struct TextHash: Hashable, Sendable, Comparable {
    var high: UInt64
    var low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    init(_ form: LineForm) {
        var state = State()
        form.forEachText { state.add($0) }
        (high, low) = state.hash.words()
    }

    /// True for the given share of all hashes; of different bits than those that sort them.
    func isBelow(_ share: Double) -> Bool { Double(low >> 11) * 0x1p-53 < share }

    static func < (left: TextHash, right: TextHash) -> Bool {
        left.high == right.high ? left.low < right.low : left.high < right.high
    }

    private struct State {
        var hash = FileHash()
        private var buffer = [UInt8](repeating: 0, count: 1 << 14)

        mutating func add(_ text: ArraySlice<UInt8>) {
            var filled = 0, wantsBlank = false, isFirst = true
            text.withUnsafeBufferPointer { bytes in
                for byte in bytes {
                    if byte == 0x20 || (0x09...0x0D).contains(byte) {
                        wantsBlank = !isFirst
                        continue
                    }
                    if filled + 2 > buffer.count { flush(&filled) }
                    if wantsBlank {
                        buffer[filled] = 0x20
                        filled += 1
                        wantsBlank = false
                    }
                    buffer[filled] = byte
                    filled += 1
                    isFirst = false
                }
            }
            if filled == buffer.count { flush(&filled) }
            // Between texts something that no JSON string holds unescaped and no word begins with.
            buffer[filled] = 0x1F
            filled += 1
            flush(&filled)
        }

        private mutating func flush(_ filled: inout Int) {
            buffer.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[0..<filled])) }
            filled = 0
        }
    }
}
