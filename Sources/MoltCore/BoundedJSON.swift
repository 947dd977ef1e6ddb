package import FoundationEssentials

/// Reads JSON that others wrote, to a bounded depth.
///
/// Foundation's decoder stops at 512 levels, but a text whose last byte opens the 513th ends the process (Swift 6.3),
/// and what a file or an answer holds must never end a daemon. It also takes UTF-16 and UTF-32, in which brackets
/// cannot be counted byte by byte; RFC 8259 (8.1) knows UTF-8 alone.
package struct BoundedJSON: Sendable {
    package static let depthMax = 256

    /// Takes the wider language (Foundation's JSON5), which has words for infinity.
    package var allowsJSON5 = false

    package init() {}

    /// - Throws: `DecodingError` for bytes that are no JSON of that type, are nested too deeply or are no UTF-8.
    package func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        let problem = data.withUnsafeBytes { bytes -> String? in
            if Self.isWide(bytes) { return "it is UTF-16 or UTF-32, not UTF-8" }
            return isTooDeep(bytes) ? "it is nested deeper than \(Self.depthMax) levels" : nil
        }
        if let problem {
            throw DecodingError.dataCorrupted(DecodingError.Context(codingPath: [], debugDescription: problem))
        }
        let decoder = JSONDecoder()
        decoder.allowsJSON5 = allowsJSON5
        return try decoder.decode(type, from: data)
    }

    /// True for the marks by which Foundation knows the wide encodings: a byte order mark, or a zero early on.
    private static func isWide(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let first = bytes.prefix(4)
        return first.contains(0) || first.starts(with: [0xFE, 0xFF]) || first.starts(with: [0xFF, 0xFE])
    }

    private func isTooDeep(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var depth = 0, quote: UInt8?, index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if let mark = quote {
                if byte == UInt8(ascii: "\\") { index += 1 } else if byte == mark { quote = nil }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): quote = byte
            case UInt8(ascii: "'") where allowsJSON5: quote = byte
            case UInt8(ascii: "/") where allowsJSON5: index = Self.endOfComment(bytes, index)
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > Self.depthMax { return true }
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return false
    }

    /// - Parameter start: behind a slash; comes back as it is when no comment begins there.
    private static func endOfComment(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> Int {
        guard start < bytes.count else { return start }
        var index = start + 1
        switch bytes[start] {
        case UInt8(ascii: "/"):
            while index < bytes.count, ![UInt8(ascii: "\n"), UInt8(ascii: "\r")].contains(bytes[index]) { index += 1 }
            return index
        case UInt8(ascii: "*"):
            while index + 1 < bytes.count, bytes[index] != UInt8(ascii: "*") || bytes[index + 1] != UInt8(ascii: "/") {
                index += 1
            }
            return index + 2
        default: return start
        }
    }
}
