/// UTF-8 by hand: the tokenizers work on bytes, and on strings only where they are small.
enum UTF8Text {
    static func isValid(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { firstInvalid($0) == nil }
    }

    /// The index of the first byte that begins no character; nil when all is well.
    static func firstInvalid(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let base = bytes.baseAddress else { return nil }
        var at = 0
        let count = bytes.count
        while at < count {
            if at + 8 <= count,
                UnsafeRawPointer(base + at).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0
            {
                at += 8
                continue
            }
            let length = characterLength(base + at, count - at)
            guard length > 0 else { return at }
            at += length
        }
        return nil
    }

    /// The length of the well-formed character at the pointer (RFC 3629); 0 when there is none.
    static func characterLength(_ p: UnsafePointer<UInt8>, _ left: Int) -> Int {
        let first = p[0]
        if first < 0x80 { return 1 }
        func follows(_ index: Int) -> Bool { p[index] & 0xC0 == 0x80 }
        switch first {
        case 0xC2...0xDF: return left >= 2 && follows(1) ? 2 : 0
        case 0xE0...0xEF:
            guard left >= 3, follows(1), follows(2) else { return 0 }
            if first == 0xE0, p[1] < 0xA0 { return 0 }
            return first == 0xED && p[1] >= 0xA0 ? 0 : 3
        case 0xF0...0xF4:
            guard left >= 4, follows(1), follows(2), follows(3) else { return 0 }
            if first == 0xF0, p[1] < 0x90 { return 0 }
            return first == 0xF4 && p[1] >= 0x90 ? 0 : 4
        default: return 0
        }
    }

    /// The bytes of a character, by its first one, in valid text.
    @inline(__always) static func length(_ first: UInt8) -> Int {
        first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    }

    /// The code point of the character at the pointer, in valid text.
    @inline(__always) static func scalar(_ p: UnsafePointer<UInt8>) -> UInt32 {
        let first = UInt32(p[0])
        if first < 0x80 { return first }
        if first < 0xE0 { return (first & 0x1F) << 6 | UInt32(p[1] & 0x3F) }
        if first < 0xF0 { return (first & 0x0F) << 12 | UInt32(p[1] & 0x3F) << 6 | UInt32(p[2] & 0x3F) }
        return (first & 0x07) << 18 | UInt32(p[1] & 0x3F) << 12 | UInt32(p[2] & 0x3F) << 6 | UInt32(p[3] & 0x3F)
    }

    static func append(_ scalar: UInt32, to bytes: inout [UInt8]) {
        switch scalar {
        case 0..<0x80: bytes.append(UInt8(scalar))
        case 0x80..<0x800:
            bytes.append(UInt8(0xC0 | scalar >> 6))
            bytes.append(UInt8(0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            bytes.append(UInt8(0xE0 | scalar >> 12))
            bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(0x80 | scalar & 0x3F))
        default:
            bytes.append(UInt8(0xF0 | scalar >> 18 & 0x07))
            bytes.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            bytes.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            bytes.append(UInt8(0x80 | scalar & 0x3F))
        }
    }

    static func scalars(_ bytes: [UInt8]) -> [UInt32] {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return [] }
            var result: [UInt32] = []
            var at = 0
            result.reserveCapacity(buffer.count)
            while at < buffer.count {
                let length = length(base[at])
                // Of what is cut within a character nothing is read behind its end.
                result.append(at + length <= buffer.count ? scalar(base + at) : 0xFFFD)
                at += length
            }
            return result
        }
    }

    static func bytes(_ scalars: some Sequence<UInt32>) -> [UInt8] {
        var result: [UInt8] = []
        for scalar in scalars { append(scalar, to: &result) }
        return result
    }

    static func hexadecimal(_ digits: some Collection<UInt8>) -> UInt32? {
        guard (1...8).contains(digits.count) else { return nil }
        var value: UInt32 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: value = value << 4 | UInt32(digit - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(digit - 0x37)
            case 0x61...0x66: value = value << 4 | UInt32(digit - 0x57)
            default: return nil
            }
        }
        return value
    }
}
