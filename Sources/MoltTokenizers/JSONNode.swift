import MoltCore

/// A value of a JSON text. Strings are kept as UTF-8; objects keep the order and the repetition of their keys.
indirect enum JSONNode: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string([UInt8])
    case array([JSONNode])
    case object([(key: [UInt8], value: JSONNode)])

    /// What is wrong with a text, and at which byte.
    struct Problem: Error {
        var what: String
        var offset: Int
    }

    init(parsing bytes: [UInt8]) throws(Problem) {
        var parser = JSONParser(bytes)
        self = try parser.document()
    }
}

/// Reads JSON (RFC 8259) from bytes, to a bounded depth.
private struct JSONParser {
    private let bytes: [UInt8]
    private var at = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONNode.Problem) -> JSONNode {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
        let value = try self.value(depth: 0)
        skipSpace()
        guard at == bytes.count else { throw problem("more follows after the end") }
        return value
    }

    private func problem(_ what: String) -> JSONNode.Problem { JSONNode.Problem(what: what, offset: at) }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func value(depth: Int) throws(JSONNode.Problem) -> JSONNode {
        guard depth < Limits.jsonDepthMax else { throw problem("nested too deeply") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth)
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw problem("the text ends too early")
        default: return try number()
        }
    }

    private mutating func word(_ word: StaticString, _ value: JSONNode) throws(JSONNode.Problem) -> JSONNode {
        let count = word.utf8CodeUnitCount
        guard at + count <= bytes.count,
            (0..<count).allSatisfy({ word.utf8Start[$0] == bytes[at + $0] })
        else { throw problem("no JSON value") }
        at += count
        return value
    }

    private mutating func array(_ depth: Int) throws(JSONNode.Problem) -> JSONNode {
        at += 1
        var values: [JSONNode] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            at += 1
            return .array(values)
        }
        while true {
            values.append(try value(depth: depth + 1))
            skipSpace()
            switch next {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "]"):
                at += 1
                return .array(values)
            default: throw problem("a comma or ] is missing")
            }
        }
    }

    private mutating func object(_ depth: Int) throws(JSONNode.Problem) -> JSONNode {
        at += 1
        var members: [(key: [UInt8], value: JSONNode)] = []
        skipSpace()
        if next == UInt8(ascii: "}") {
            at += 1
            return .object(members)
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw problem("a key in quotes is missing") }
            let key = try string()
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw problem("a colon is missing") }
            at += 1
            members.append((key, try value(depth: depth + 1)))
            skipSpace()
            switch next {
            case UInt8(ascii: ","): at += 1
            case UInt8(ascii: "}"):
                at += 1
                return .object(members)
            default: throw problem("a comma or } is missing")
            }
        }
    }

    private mutating func number() throws(JSONNode.Problem) -> JSONNode {
        let start = at
        while let byte = next,
            (0x30...0x39).contains(byte) || byte == 0x2B || byte == 0x2D || byte == 0x2E
                || byte | 0x20 == 0x65
        {
            at += 1
        }
        guard at - start <= 400, let value = Double(String(decoding: bytes[start..<at], as: UTF8.self)) else {
            at = start
            throw problem("no JSON value")
        }
        return .number(value)
    }

    private mutating func string() throws(JSONNode.Problem) -> [UInt8] {
        at += 1
        let start = at
        while let byte = next, byte != 0x22, byte != 0x5C, byte >= 0x20 { at += 1 }
        var result = Array(bytes[start..<at])
        while let byte = next {
            at += 1
            switch byte {
            case 0x22:
                guard UTF8Text.isValid(result) else { throw problem("a string that is not UTF-8") }
                return result
            case 0x5C: try escape(&result)
            case 0..<0x20: throw problem("a control character in a string")
            default: result.append(byte)
            }
        }
        throw problem("a string without end")
    }

    private mutating func escape(_ result: inout [UInt8]) throws(JSONNode.Problem) {
        guard let byte = next else { throw problem("a string without end") }
        at += 1
        switch byte {
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(byte)
        case UInt8(ascii: "u"):
            var value = try hexadecimal()
            if (0xD800..<0xDC00).contains(value) {
                guard at + 1 < bytes.count, bytes[at] == 0x5C, bytes[at + 1] == UInt8(ascii: "u") else {
                    throw problem("half a surrogate pair")
                }
                at += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw problem("half a surrogate pair") }
                value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
            }
            guard Unicode.Scalar(value) != nil else { throw problem("half a surrogate pair") }
            UTF8Text.append(value, to: &result)
        default: throw problem("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(JSONNode.Problem) -> UInt32 {
        guard at + 4 <= bytes.count, let value = UTF8Text.hexadecimal(bytes[at..<at + 4]) else {
            throw problem("no four hexadecimal digits")
        }
        at += 4
        return value
    }
}
