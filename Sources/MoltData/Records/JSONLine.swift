/// What a line of a JSONL file says: the values at its top level under the names we know.
///
/// A strict reader of one JSON object that copies nothing but those values; others are checked and skipped.
struct JSONLine: Equatable {
    var text: [UInt8]?
    var prompt: Content?
    var completion: [UInt8]?
    /// From `messages`, or from ShareGPT's `conversations`.
    var messages: [ChatMessage]?
    /// What ShareGPT's rows say beside their `conversations`.
    var system: RowSystem?
    /// What a conversation's assistant had: a JSON list.
    var tools: [UInt8]?
    var chosen: Content?
    var rejected: Content?
    /// The scalars that the caller asked for, by name, as they are written (strings unescaped).
    var fields: [String: FieldValue] = [:]

    /// A text, or the turns of a conversation.
    enum Content: Equatable {
        case text([UInt8])
        case messages([ChatMessage])
    }

    /// - Parameter wanted: dotted names of scalars to keep, like `meta.language`.
    init(_ bytes: ArraySlice<UInt8>, wanted: Set<String> = []) throws(LineProblem) {
        var reader = JSONReader(bytes)
        var line = JSONLine()
        try reader.object("an object") { (reader, name, start) throws(LineProblem) in
            switch name {
            case "text":
                try Self.once(line.text, name, start)
                line.text = try Self.string(name, &reader, wanted, &line.fields)
            case "prompt":
                try Self.once(line.prompt, name, start)
                line.prompt = try Self.content(name, &reader)
            case "completion":
                try Self.once(line.completion, name, start)
                line.completion = try Self.string(name, &reader, wanted, &line.fields)
            case "messages", "conversations":
                try Self.once(line.messages, name, start)
                line.messages = try ChatMessage.list(name, &reader)
            case "system" where !wanted.contains(where: { $0.hasPrefix("system.") }):
                try Self.once(line.system, name, start)
                line.system = try RowSystem(&reader, wanted, &line.fields)
            case "tools" where !wanted.contains(where: { $0 == name || $0.hasPrefix("tools.") }):
                try Self.once(line.tools, name, start)
                line.tools = try Self.tools(&reader)
            case "chosen":
                try Self.once(line.chosen, name, start)
                line.chosen = try Self.content(name, &reader)
            case "rejected":
                try Self.once(line.rejected, name, start)
                line.rejected = try Self.content(name, &reader)
            default:
                try FieldValue.read(name, &reader, wanted, &line.fields, depth: 0)
            }
        }
        try reader.expectEnd()
        self = line
    }

    private init() {}

    private static func once(_ field: Any?, _ name: String, _ start: Int) throws(LineProblem) {
        guard field == nil else {
            throw LineProblem(what: "the key \"\(name)\" appears twice", offset: start, kind: .json)
        }
    }

    static func string(
        _ name: String, _ reader: inout JSONReader, _ wanted: Set<String>, _ fields: inout [String: FieldValue]
    ) throws(LineProblem) -> [UInt8] {
        guard try reader.peek() == UInt8(ascii: "\"") else {
            throw reader.problem("the value of \"\(name)\" is not a string")
        }
        let bytes = try reader.string()
        if wanted.contains(name) { fields[name] = .text(String(decoding: bytes, as: UTF8.self)) }
        return bytes
    }

    /// A list, or a text that holds one; nil for an empty one.
    private static func tools(_ reader: inout JSONReader) throws(LineProblem) -> [UInt8]? {
        let bytes = try reader.peek() == UInt8(ascii: "\"") ? try reader.string() : try reader.raw(depth: 1)
        return ["", "null", "[]"].contains(String(decoding: bytes, as: UTF8.self)) ? nil : bytes
    }

    private static func content(_ name: String, _ reader: inout JSONReader) throws(LineProblem) -> Content {
        switch try reader.peek() {
        case UInt8(ascii: "\""): return .text(try reader.string())
        case UInt8(ascii: "["): return .messages(try ChatMessage.list(name, &reader))
        default: throw reader.problem("the value of \"\(name)\" is not a string")
        }
    }
}

/// What is wrong with a line and at which of its bytes.
struct LineProblem: Error, Equatable {
    var what: String
    var offset: Int
    var kind: Kind
    /// What to do, where that is not said by the kind.
    var fix: String?

    enum Kind: Equatable {
        /// Not one JSON object, or a value of the wrong type.
        case json
        /// JSON, but none of the forms that become documents.
        case form
        /// No preference pair, where one is needed or meant.
        case pair
        /// A conversation that cannot be learnt from.
        case chat
        /// A text that the tokenizer cannot write.
        case tokens
    }
}
