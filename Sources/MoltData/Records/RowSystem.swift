/// A row's own `system` beside its conversation, as ShareGPT's data sets have it. In rows of other forms it is a column
/// like any other, so that what it holds matters only where a conversation is read.
enum RowSystem: Equatable {
    /// Empty for null.
    case text([UInt8])
    case other(offset: Int)

    /// Consumes the value at the cursor, and keeps it for filters that want it.
    init(
        _ reader: inout JSONReader, _ wanted: Set<String>, _ fields: inout [String: FieldValue]
    ) throws(LineProblem) {
        switch try reader.peek() {
        case UInt8(ascii: "\""): self = .text(try JSONLine.string("system", &reader, wanted, &fields))
        case let first:
            let start = reader.offset
            try FieldValue.read("system", &reader, wanted, &fields, depth: 0)
            self = first == UInt8(ascii: "n") ? .text([]) : .other(offset: start)
        }
    }

    /// The conversation with it as the first message; one that says the same in a message stays as it is.
    func before(_ messages: [ChatMessage]) throws(LineProblem) -> [ChatMessage] {
        switch self {
        case .other(let offset):
            throw LineProblem(
                what: "the value of \"system\" is not a string", offset: offset, kind: .chat,
                fix: "write the system message as a string, or as the first message")
        case .text(let text):
            guard !text.isEmpty else { return messages }
            let content = String(decoding: text, as: UTF8.self)
            guard let own = messages.first(where: { $0.role == .system }) else {
                return [ChatMessage(.system, content)] + messages
            }
            guard own.content == content else {
                throw LineProblem(
                    what: "the row's \"system\" is not what its system message says", offset: 0, kind: .chat,
                    fix: "keep one of the two")
            }
            return messages
        }
    }
}
