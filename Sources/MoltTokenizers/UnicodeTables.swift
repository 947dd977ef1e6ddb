import CMoltUnicode

/// What each code point is to the tokenizers' libraries (Unicode 16 in `tokenizers` 0.23 and tiktoken 0.14).
// Nothing is written after `init`, and the memory is never given back.
final class UnicodeTables: @unchecked Sendable {
    static let shared = UnicodeTables()

    /// General categories, in the order of `tables.txt`; zero is unassigned.
    static let categories = [
        "Cn", "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
        "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co",
    ]

    /// Two-stage table: 256 code points a page, equal pages shared.
    private let pages: UnsafeMutablePointer<UnsafePointer<UInt16>>
    /// The lines that begin with a name, for what is needed by few.
    let rows: [String: [Substring]]

    private init() {
        var size = 0
        let bytes = UnsafeBufferPointer(start: molt_unicode_tables(&size), count: size)
        let text = String(decoding: bytes, as: UTF8.self)
        var flat = [UInt16](repeating: 0, count: 0x110000)
        var rows: [String: [Substring]] = [:]
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count >= 2 else { continue }
            switch (words[0], words[1]) {
            case ("category", let name):
                let number = UInt16(Self.categories.firstIndex(of: String(name)) ?? 0)
                Self.forEach(words[2...]) { flat[Int($0)] |= number }
            case ("set", "word"): Self.forEach(words[2...]) { flat[Int($0)] |= CodePoint.wordBit }
            case ("set", "punctuation"): Self.forEach(words[2...]) { flat[Int($0)] |= CodePoint.punctuationBit }
            case ("set", "accent"): Self.forEach(words[2...]) { flat[Int($0)] |= CodePoint.accentBit }
            default: rows["\(words[0]) \(words[1])"] = Array(words[2...])
            }
        }
        for (first, last) in CodePoint.spaces {
            for point in first...last { flat[Int(point)] |= CodePoint.spaceBit }
        }
        for point in flat.indices {
            let category = flat[point] & CodePoint.categoryMask
            if (1...5).contains(category) { flat[point] |= CodePoint.letterBit }
            if (9...11).contains(category) { flat[point] |= CodePoint.numberBit }
        }
        self.rows = rows
        pages = .allocate(capacity: 0x1100)
        var known: [ArraySlice<UInt16>: UnsafePointer<UInt16>] = [:]
        for page in 0..<0x1100 {
            let values = flat[page << 8..<(page + 1) << 8]
            let pointer = known[values] ?? Self.copied(values)
            known[values] = pointer
            pages[page] = pointer
        }
    }

    private static func copied(_ values: ArraySlice<UInt16>) -> UnsafePointer<UInt16> {
        let memory = UnsafeMutablePointer<UInt16>.allocate(capacity: values.count)
        for (index, value) in values.enumerated() { memory[index] = value }
        return UnsafePointer(memory)
    }

    /// - Parameter scalar: below 0x110000.
    @inline(__always) subscript(scalar: UInt32) -> CodePoint {
        CodePoint(bits: pages[Int(scalar >> 8)][Int(scalar & 0xFF)])
    }

    /// Every code point of ranges such as `41-5A C0`.
    static func forEach(_ ranges: some Sequence<Substring>, _ body: (UInt32) -> Void) {
        for range in ranges {
            let ends = range.utf8.split(separator: UInt8(ascii: "-")).compactMap { UTF8Text.hexadecimal($0) }
            guard let first = ends.first, let last = ends.last, first <= last, last < 0x110000 else { continue }
            for point in first...last { body(point) }
        }
    }
}

/// The properties of a code point that tokenizers ask for.
struct CodePoint {
    static let categoryMask: UInt16 = 0x1F
    static let wordBit: UInt16 = 0x20
    static let punctuationBit: UInt16 = 0x40
    static let accentBit: UInt16 = 0x80
    static let letterBit: UInt16 = 0x100
    static let numberBit: UInt16 = 0x200
    static let spaceBit: UInt16 = 0x400
    /// White_Space, which has not changed since Unicode 6.3.
    static let spaces: [(UInt32, UInt32)] = [
        (0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029),
        (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
    ]

    let bits: UInt16

    @inline(__always) var category: Int { Int(bits & Self.categoryMask) }
    /// \p{L}
    @inline(__always) var isLetter: Bool { bits & Self.letterBit != 0 }
    /// \p{N}
    @inline(__always) var isNumber: Bool { bits & Self.numberBit != 0 }
    /// \s
    @inline(__always) var isSpace: Bool { bits & Self.spaceBit != 0 }
    /// \w as Oniguruma has it; Rust's differs in a few, see `isRustWord`.
    @inline(__always) var isWord: Bool { bits & Self.wordBit != 0 }
    /// What the pre-tokenizer Punctuation cuts at.
    @inline(__always) var isPunctuation: Bool { bits & Self.punctuationBit != 0 }
    /// What the normalizer StripAccents takes away.
    @inline(__always) var isAccent: Bool { bits & Self.accentBit != 0 }

    /// \w of Rust's regular expressions: superscripts and fractions of Latin-1 are none, joiners are.
    static func isRustWord(_ scalar: UInt32) -> Bool {
        switch scalar {
        case 0xB2, 0xB3, 0xB9, 0xBC, 0xBD, 0xBE: false
        case 0x200C, 0x200D: true
        default: UnicodeTables.shared[scalar].isWord
        }
    }
}
