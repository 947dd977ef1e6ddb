/// Finds where bytes stop being UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
enum UTF8Check {
    /// Offset of the first byte that begins no valid character, or nil when all is well.
    static func firstInvalid(in bytes: ArraySlice<UInt8>) -> Int? {
        var position = bytes.startIndex
        while position < bytes.endIndex {
            if bytes[position] < 0x80 {
                position += 1
                continue
            }
            guard let length = length(of: bytes[position...]) else { return position - bytes.startIndex }
            position += length
        }
        return nil
    }

    private static func length(of bytes: ArraySlice<UInt8>) -> Int? {
        let lead = bytes[bytes.startIndex]
        let count: Int, second: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard bytes.count >= count, second.contains(bytes[bytes.startIndex + 1]) else { return nil }
        let rest = bytes[(bytes.startIndex + 2)..<(bytes.startIndex + count)]
        return rest.allSatisfy { (0x80...0xBF).contains($0) } ? count : nil
    }
}
