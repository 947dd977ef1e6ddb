package import MoltCore

/// One turn of a conversation.
package struct ChatMessage: Hashable, Sendable {
    package var role: Role
    package var content: String
    /// True where the line has `null`, or nothing at all: an assistant that only calls tools.
    package var isSilent = false
    /// What else the line says of the turn, such as `tool_calls`: names, and values as they are written.
    package var members: [JSONMember] = []

    package enum Role: String, Hashable, Sendable, CaseIterable {
        case system, user, assistant, tool, developer
    }

    package init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }
}

/// A member of a JSON object, its value as it is written.
package struct JSONMember: Hashable, Sendable {
    package var name: String
    package var json: [UInt8]

    package init(_ name: String, _ json: [UInt8]) {
        self.name = name
        self.json = json
    }

    /// Names of members that are part of what is said, where data sets of conversations have them.
    private static let spoken: Set<String> = [
        "tool_calls", "function_call", "reasoning_content", "reasoning", "thinking",
    ]

    /// Whether something would be lost without it.
    package var isSpoken: Bool {
        Self.spoken.contains(name) && !["null", "\"\"", "[]", "{}"].contains(String(decoding: json, as: UTF8.self))
    }
}

/// Turns, and the tools that the assistant had: a list of their descriptions in JSON.
package struct Conversation: Hashable, Sendable {
    package var messages: [ChatMessage]
    package var tools: [UInt8]?

    package init(_ messages: [ChatMessage], tools: [UInt8]? = nil) {
        self.messages = messages
        self.tools = tools
    }

    /// Names of what a way of writing that knows only roles and contents would lose.
    package var spokenMembers: [String] {
        var names: [String] = tools == nil ? [] : ["tools"]
        for member in messages.flatMap(\.members) where member.isSpoken && !names.contains(member.name) {
            names.append(member.name)
        }
        return names
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
    /// - Throws: what the template refuses, in the user's words; and what it would leave out.
    func render(_ conversation: Conversation, answersAfter: Int) throws(UserError) -> Document
}

extension ChatRenderer {
    package func render(_ messages: [ChatMessage], answersAfter: Int) throws(UserError) -> Document {
        try render(Conversation(messages), answersAfter: answersAfter)
    }
}

/// Turns as `role: content` lines in a tokenizer's ordinary tokens: for models without a template of their own. It
/// knows no tools.
package struct PlainChatRenderer: ChatRenderer {
    private let tokenizer: any Tokenizer

    package init(tokenizer: any Tokenizer) {
        self.tokenizer = tokenizer
    }

    package var name: String { "plain" }

    package func render(_ conversation: Conversation, answersAfter: Int) throws(UserError) -> Document {
        if let lost = conversation.spokenMembers.first {
            throw UserError("the plain form has no place for \"\(lost)\"")
        }
        let messages = conversation.messages
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
        var role: Role?, content: [UInt8]?, isNull = false, members: [JSONMember] = []
        try reader.object("an object") { (reader, key, keyStart) throws(LineProblem) in
            switch key {
            case "role", "from":
                guard role == nil else { throw reader.problem("\(name) has two roles", .chat) }
                role = try self.role(name, &reader)
            case "content", "value":
                guard content == nil, !isNull else { throw reader.problem("\(name) has two contents", .chat) }
                isNull = try reader.acceptNull()
                if !isNull { content = try self.content(name, &reader) }
            default: members.append(JSONMember(key, try reader.raw(depth: 2)))
            }
        }
        guard let role else { throw LineProblem(what: "\(name) has no role", offset: start, kind: .chat) }
        guard members.count <= Limits.messageMembersMax else {
            throw LineProblem(what: "\(name) has \(members.count) keys", offset: start, kind: .chat)
        }
        guard content != nil || members.contains(where: \.isSpoken) else {
            let what = isNull ? "the content of \(name) is not a string" : "\(name) has no content"
            throw LineProblem(what: what, offset: start, kind: .chat)
        }
        var message = ChatMessage(role, String(decoding: content ?? [], as: UTF8.self))
        message.isSilent = content == nil
        message.members = members
        return message
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
