package import MoltCore

/// One turn of a conversation.
package struct ChatMessage: Hashable, Sendable {
    package var role: Role
    package var content: String

    package enum Role: String, Hashable, Sendable, CaseIterable {
        case system, user, assistant, tool, developer
    }

    package init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }
}

/// Writes conversations the way a model was taught to read them.
///
/// The tokenizer's chat template is behind it; this module knows no template language.
package protocol ChatRenderer: Sendable {
    /// What it calls itself; recorded with prepared data.
    var name: String { get }

    /// The whole conversation as token ids, with whatever begins and ends it, and the ranges of tokens that the
    /// assistant wrote (with the token that ends each of its turns): ascending, none of them empty.
    /// - Parameter answersAfter: messages that only give context; the ranges lie in those after them.
    /// - Throws: what the template refuses, in the user's words.
    func render(_ messages: [ChatMessage], answersAfter: Int) throws(UserError) -> Document
}

/// Turns as `role: content` lines in a tokenizer's ordinary tokens: for models without a template of their own.
package struct PlainChatRenderer: ChatRenderer {
    private let tokenizer: any Tokenizer

    package init(tokenizer: any Tokenizer) {
        self.tokenizer = tokenizer
    }

    package var name: String { "plain" }

    package func render(_ messages: [ChatMessage], answersAfter: Int) throws(UserError) -> Document {
        var tokens = [tokenizer.specials.begin]
        var spans: [Range<Int>] = []
        for (index, message) in messages.enumerated() {
            tokens += try tokenizer.encode(Array("\(message.role.rawValue): ".utf8)[...])
            let start = tokens.count
            tokens += try tokenizer.encode(Array((message.content + "\n").utf8)[...])
            if message.role == .assistant, index >= answersAfter { spans.append(start..<tokens.count) }
        }
        tokens.append(tokenizer.specials.end)
        if messages.last?.role == .assistant, let last = spans.popLast() {
            spans.append(last.lowerBound..<tokens.count)
        }
        return Document(tokens: tokens, spans: spans)
    }
}

extension ChatMessage {
    /// The list of messages at the cursor: `role` and `content`, or ShareGPT's `from` and `value`.
    static func list(_ name: String, _ reader: inout JSONReader) throws(LineProblem) -> [ChatMessage] {
        guard try reader.peek() == UInt8(ascii: "[") else {
            throw reader.problem("\"\(name)\" is not a list of messages", .chat)
        }
        let start = reader.offset
        var messages: [ChatMessage] = []
        try reader.list { (reader, index) throws(LineProblem) in
            messages.append(try message("\(name)[\(index)]", &reader))
        }
        guard !messages.isEmpty else {
            throw LineProblem(what: "\"\(name)\" has no messages", offset: start, kind: .chat)
        }
        return messages
    }

    private static func message(_ name: String, _ reader: inout JSONReader) throws(LineProblem) -> ChatMessage {
        guard try reader.peek() == UInt8(ascii: "{") else {
            throw reader.problem("\(name) is not an object with a role and a content", .chat)
        }
        let start = reader.offset
        var role: Role?, content: [UInt8]?
        try reader.object("an object") { (reader, key, keyStart) throws(LineProblem) in
            switch key {
            case "role", "from":
                guard role == nil else { throw reader.problem("\(name) has two roles", .chat) }
                role = try self.role(name, &reader)
            case "content", "value":
                guard content == nil else { throw reader.problem("\(name) has two contents", .chat) }
                content = try self.content(name, &reader)
            default: try reader.skipValue(depth: 2)
            }
        }
        guard let role else { throw LineProblem(what: "\(name) has no role", offset: start, kind: .chat) }
        guard let content else { throw LineProblem(what: "\(name) has no content", offset: start, kind: .chat) }
        return ChatMessage(role, String(decoding: content, as: UTF8.self))
    }

    private static func role(_ name: String, _ reader: inout JSONReader) throws(LineProblem) -> Role {
        guard try reader.peek() == UInt8(ascii: "\"") else {
            throw reader.problem("the role of \(name) is not a string", .chat)
        }
        let start = reader.offset
        let word = String(decoding: try reader.string(), as: UTF8.self)
        switch word {
        case "human": return .user
        case "gpt", "model", "bot": return .assistant
        case "function", "observation": return .tool
        default: break
        }
        guard let role = Role(rawValue: word) else {
            let known = Role.allCases.map(\.rawValue).joined(separator: ", ")
            let shown = DisplayText.escaped(word, limit: 40)
            throw LineProblem(
                what: "the role '\(shown)' of \(name) is none of \(known)", offset: start, kind: .chat)
        }
        return role
    }

    /// A string, or a list of `{"type": "text", "text": …}` parts.
    private static func content(_ name: String, _ reader: inout JSONReader) throws(LineProblem) -> [UInt8] {
        switch try reader.peek() {
        case UInt8(ascii: "\""): return try reader.string()
        case UInt8(ascii: "["): break
        default: throw reader.problem("the content of \(name) is not a string", .chat)
        }
        var all: [UInt8] = []
        try reader.list { (reader, _) throws(LineProblem) in
            var text: [UInt8]?
            guard try reader.peek() == UInt8(ascii: "{") else {
                throw reader.problem("a part of \(name) is not an object", .chat)
            }
            try reader.object("an object") { (reader, key, _) throws(LineProblem) in
                guard key == "text", try reader.peek() == UInt8(ascii: "\"") else {
                    return try reader.skipValue(depth: 3)
                }
                text = try reader.string()
            }
            guard let text else { throw reader.problem("a part of \(name) is no text", .chat) }
            all += text
        }
        return all
    }
}
