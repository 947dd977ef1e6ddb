/// GPT-2's way to write bytes as printable characters: those that print stand for themselves, the others for U+0100 on.
enum ByteAlphabet {
    /// The character of each byte.
    static let characters: [UInt32] = {
        var result = [UInt32](repeating: 0, count: 256)
        var next: UInt32 = 0x100
        for byte in 0..<256 {
            if (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte) {
                result[byte] = UInt32(byte)
            } else {
                result[byte] = next
                next += 1
            }
        }
        return result
    }()

    static let bytes: [UInt32: UInt8] = Dictionary(
        uniqueKeysWithValues: characters.enumerated().map { ($1, UInt8($0)) })

    /// The bytes that a token stands for; nil when it has characters that stand for none.
    static func bytes(of token: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        for scalar in UTF8Text.scalars(token) {
            guard let byte = bytes[scalar] else { return nil }
            result.append(byte)
        }
        return result
    }

    static func text(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        for byte in bytes { UTF8Text.append(characters[Int(byte)], to: &result) }
        return result
    }
}
