/// Cuts a stream of bytes where characters end, so that no half of one is ever shown.
///
/// Bytes that are no UTF-8 pass as they are: a model may write any.
package struct UTF8Pieces {
    private var tail: [UInt8] = []

    package init() {}

    package mutating func feed(_ bytes: [UInt8]) -> [UInt8] {
        let all = tail + bytes
        let open = Self.openTail(all)
        tail = Array(all.suffix(open))
        return Array(all.dropLast(open))
    }

    /// What is left when the text ends in the middle of a character.
    package mutating func rest() -> [UInt8] {
        defer { tail = [] }
        return tail
    }

    /// How many of the last bytes begin a character that further bytes can complete.
    private static func openTail(_ bytes: [UInt8]) -> Int {
        for back in 1...3 where back <= bytes.count {
            let byte = bytes[bytes.count - back]
            if byte & 0xC0 == 0x80 { continue }
            let wanted = byte >= 0xF5 ? 1 : byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC2 ? 2 : 1
            return wanted > back && isOpen(bytes.suffix(back)) ? back : 0
        }
        return 0
    }

    /// Some second bytes make no character whatever follows (Unicode 3.9, table 3-7).
    private static func isOpen(_ start: ArraySlice<UInt8>) -> Bool {
        guard let first = start.first, let second = start.dropFirst().first else { return true }
        switch first {
        case 0xE0: return second >= 0xA0
        case 0xED: return second < 0xA0
        case 0xF0: return second >= 0x90
        case 0xF4: return second < 0x90
        default: return true
        }
    }
}
