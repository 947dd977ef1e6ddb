import FoundationEssentials
import MoltCore

/// A JSON value of any kind; numbers keep whether they were whole.
enum JSONTree: Codable, Equatable {
    case null
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([JSONTree])
    case object([String: JSONTree])

    init(from decoder: any Decoder) throws {
        if let object = try? decoder.container(keyedBy: Key.self) {
            var fields: [String: JSONTree] = [:]
            for key in object.allKeys { fields[key.stringValue] = try object.decode(JSONTree.self, forKey: key) }
            self = .object(fields)
            return
        }
        if var list = try? decoder.unkeyedContainer() {
            var values: [JSONTree] = []
            while !list.isAtEnd { values.append(try list.decode(JSONTree.self)) }
            self = .list(values)
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .flag(flag)
        } else if let integer = try? value.decode(Int.self) {
            self = .integer(integer)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else {
            self = .text(try value.decode(String.self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .flag(let flag): try container.encode(flag)
        case .integer(let integer): try container.encode(integer)
        case .number(let number): try container.encode(number)
        case .text(let text): try container.encode(text)
        case .list(let values): try container.encode(values)
        case .object(let fields): try container.encode(fields)
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// The fields of the object in a file. Python's writer spells infinity, which JSON cannot, as a word.
    static func object(in path: String) throws(UserError) -> [String: JSONTree] {
        let data: Data
        do throws(FileError) {
            data = try DurableFile.read(path, limit: Limits.configBytesMax)
        } catch { throw UserError("\(error)") }
        var decoder = BoundedJSON()
        decoder.allowsJSON5 = true
        guard case .object(let fields)? = try? decoder.decode(JSONTree.self, from: data) else {
            throw UserError("it is not a JSON object", at: path, fix: "is the file whole?")
        }
        return fields
    }

    /// As Hugging Face lays its files out: sorted keys, indented. Numbers that may have a fraction are written with
    /// one, since transformers refuses `5` where it expects `5.0`.
    static func file(_ fields: [String: JSONTree]) throws -> Data {
        Data((try JSONTree.object(fields).written(indent: "") + "\n").utf8)
    }

    private func written(indent: String) throws -> String {
        let inner = indent + "  "
        switch self {
        case .null: return "null"
        case .flag(let flag): return flag ? "true" : "false"
        case .integer(let integer): return "\(integer)"
        case .number(let number): return "\(number)"
        case .text(let text): return try Self.quoted(text)
        case .list(let values):
            guard !values.isEmpty else { return "[]" }
            let lines = try values.map { inner + (try $0.written(indent: inner)) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let fields):
            guard !fields.isEmpty else { return "{}" }
            let lines = try fields.sorted { $0.key < $1.key }.map { key, value in
                "\(inner)\(try Self.quoted(key)): \(try value.written(indent: inner))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }

    private static func quoted(_ text: String) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return String(decoding: try encoder.encode([text]).dropFirst().dropLast(), as: UTF8.self)
    }
}
