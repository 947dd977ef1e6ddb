import FoundationEssentials
import MoltCore

/// The keys of a header's outermost object as they stand in its text. A decoder that makes a dictionary keeps one of
/// two equal keys, and says nothing of the other.
struct SafetensorsNames {
    /// Keys that come more than once, in the order of their second coming.
    private(set) var repeated: [String] = []

    /// - Parameter json: an object; what is not well-formed is left to the decoder.
    init(_ json: [UInt8]) {
        var seen: Set<[UInt8]> = []
        var depth = 0
        var index = 0
        var awaitsKey = false
        while index < json.count {
            switch json[index] {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                awaitsKey = depth == 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
            case UInt8(ascii: ","):
                awaitsKey = depth == 1
            case UInt8(ascii: "\""):
                let start = index + 1
                index = Self.end(of: json, from: start)
                if awaitsKey {
                    let key = Self.unescaped(json[start..<min(index, json.count)])
                    if !seen.insert(key).inserted { repeated.append(String(decoding: key, as: UTF8.self)) }
                    awaitsKey = false
                }
            default: break
            }
            index += 1
        }
    }

    /// The index of the quotation mark that ends a string.
    private static func end(of json: [UInt8], from start: Int) -> Int {
        var index = start
        while index < json.count, json[index] != UInt8(ascii: "\"") {
            index += json[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        return index
    }

    /// Keys with escapes are spelt out, so that two spellings of one name are one name.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        guard text.contains(UInt8(ascii: "\\")) else { return Array(text) }
        let quoted = [UInt8(ascii: "[")] + [UInt8(ascii: "\"")] + text + [UInt8(ascii: "\""), UInt8(ascii: "]")]
        guard let plain = try? BoundedJSON().decode([String].self, from: Data(quoted)).first else {
            return Array(text)
        }
        return Array(plain.utf8)
    }
}
