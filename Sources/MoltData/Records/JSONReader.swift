/// A cursor over the bytes of one JSON text (RFC 8259).
struct JSONReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// Bytes from the start of the text.
    var offset: Int { position - bytes.startIndex }

    mutating func peek() throws(LineProblem) -> UInt8 {
        while position < bytes.endIndex, Self.isSpace(bytes[position]) { position += 1 }
        guard position < bytes.endIndex else { throw problem("the line ends too early") }
        return bytes[position]
    }

    mutating func accept(_ byte: UInt8) throws(LineProblem) -> Bool {
        guard try peek() == byte else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: UInt8, _ what: String) throws(LineProblem) {
        guard try accept(byte) else { throw problem("expected \(what)") }
    }

    mutating func expectEnd() throws(LineProblem) {
        while position < bytes.endIndex {
            guard Self.isSpace(bytes[position]) else { throw problem("text after the object") }
            position += 1
        }
    }

    /// The unescaped UTF-8 bytes of the string at the cursor.
    mutating func string() throws(LineProblem) -> [UInt8] {
        try expect(UInt8(ascii: "\""), "a string")
        var result: [UInt8] = []
        while true {
            let start = position
            while position < bytes.endIndex, bytes[position] != UInt8(ascii: "\""),
                bytes[position] != UInt8(ascii: "\\"), bytes[position] >= 0x20
            { position += 1 }
            result += bytes[start..<position]
            guard position < bytes.endIndex else { throw problem("a string does not end") }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return result
            case UInt8(ascii: "\\"): try escape(into: &result)
            default: throw problem("a control character in a string")
            }
        }
    }

    private mutating func escape(into result: inout [UInt8]) throws(LineProblem) {
        guard position + 1 < bytes.endIndex else { throw problem("a string does not end") }
        let letter = bytes[position + 1]
        if let byte = Self.unescaped(letter) {
            result.append(byte)
            position += 2
            return
        }
        guard letter == UInt8(ascii: "u") else { throw problem("an unknown escape in a string") }
        var unit = try hexadecimal(at: position + 2)
        position += 6
        if (0xD800..<0xDC00).contains(unit), position + 1 < bytes.endIndex,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        {
            let low = try hexadecimal(at: position + 2)
            if (0xDC00..<0xE000).contains(low) {
                unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                position += 6
            }
        }
        guard let scalar = Unicode.Scalar(unit) else { throw problem("half of a surrogate pair") }
        result += UTF8.encode(scalar).map(Array.init) ?? []
    }

    private static func unescaped(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        default: nil
        }
    }

    private func hexadecimal(at start: Int) throws(LineProblem) -> UInt32 {
        guard start + 4 <= bytes.endIndex else { throw problem("a string does not end") }
        var value: UInt32 = 0
        for byte in bytes[start..<start + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw problem("a bad \\u escape")
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// The value at the cursor as it is written.
    mutating func raw(depth: Int) throws(LineProblem) -> [UInt8] {
        _ = try peek()
        let start = position
        try skipValue(depth: depth)
        return Array(bytes[start..<position])
    }

    /// Consumes a `null`; false when something else is there.
    mutating func acceptNull() throws(LineProblem) -> Bool {
        guard try peek() == UInt8(ascii: "n") else { return false }
        guard try scalar() == "null" else { throw problem("expected a value") }
        return true
    }

    mutating func skipValue(depth: Int) throws(LineProblem) {
        guard depth < Limits.nestingMax else { throw problem("nested deeper than \(Limits.nestingMax)") }
        switch try peek() {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"): try skipList(close: UInt8(ascii: "}"), named: true, depth: depth)
        case UInt8(ascii: "["): try skipList(close: UInt8(ascii: "]"), named: false, depth: depth)
        default: try skipScalar()
        }
    }

    private mutating func skipList(close: UInt8, named: Bool, depth: Int) throws(LineProblem) {
        position += 1
        if try accept(close) { return }
        repeat {
            if named {
                _ = try string()
                try expect(UInt8(ascii: ":"), "':'")
            }
            try skipValue(depth: depth + 1)
        } while try accept(UInt8(ascii: ","))
        try expect(close, "',' or the end of the list")
    }

    private mutating func skipScalar() throws(LineProblem) { _ = try scalar() }

    /// A number, `true`, `false` or `null`, as it is written.
    mutating func scalar() throws(LineProblem) -> String {
        _ = try peek()
        let start = position
        while position < bytes.endIndex, !Self.endsScalar(bytes[position]) { position += 1 }
        let word = String(decoding: bytes[start..<position].prefix(Limits.scalarBytesMax), as: UTF8.self)
        guard ["true", "false", "null"].contains(word) || Self.isNumber(word) else {
            position = start
            throw problem("expected a value")
        }
        return word
    }

    /// The members of the object at the cursor, one after the other; `each` must consume the value.
    mutating func object(
        _ what: String, _ each: (inout JSONReader, _ name: String, _ offset: Int) throws(LineProblem) -> Void
    ) throws(LineProblem) {
        try expect(UInt8(ascii: "{"), what)
        if try accept(UInt8(ascii: "}")) { return }
        repeat {
            _ = try peek()
            let start = offset
            let name = String(decoding: try string(), as: UTF8.self)
            try expect(UInt8(ascii: ":"), "':'")
            try each(&self, name, start)
        } while try accept(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"), "',' or '}'")
    }

    /// The items of the list at the cursor; `each` must consume them.
    mutating func list(
        _ each: (inout JSONReader, _ index: Int) throws(LineProblem) -> Void
    ) throws(LineProblem) {
        try expect(UInt8(ascii: "["), "a list")
        if try accept(UInt8(ascii: "]")) { return }
        var index = 0
        repeat {
            try each(&self, index)
            index += 1
        } while try accept(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"), "',' or the end of the list")
    }

    private static func endsScalar(_ byte: UInt8) -> Bool {
        byte <= 0x20 || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
    }

    private static func isNumber(_ word: String) -> Bool {
        guard let first = word.first, first == "-" || ("0"..."9").contains(first), Double(word) != nil else {
            return false
        }
        return word.allSatisfy { "0123456789+-.eE".contains($0) }
    }

    func problem(_ what: String, _ kind: LineProblem.Kind = .json) -> LineProblem {
        LineProblem(what: what, offset: offset, kind: kind)
    }
}
