package import MoltCore

/// What a template is given: messages and tools as JSON, and the names of special tokens.
package struct ChatInput: Sendable {
    var messages: [ChatValue]
    var tools: ChatValue = .none
    package var addsGenerationPrompt = false
    /// `bos_token`, `eos_token` and what else a template asks for.
    package var variables: [String: String] = [:]
    package var clock = ChatClock(year: 2026, month: 1, day: 1)

    /// - Parameter messages: pairs of a role and a content.
    package init(messages: [(role: String, content: String)]) {
        self.messages = messages.map {
            .table(ChatTable([("role", .text($0.role)), ("content", .text($0.content))]))
        }
    }

    /// A message with whatever members it has.
    package struct Message: Sendable {
        package var role: String
        /// Nil is the template's `none`.
        package var content: String?
        /// Names and values, in JSON.
        package var members: [(name: String, json: [UInt8])]

        package init(role: String, content: String?, members: [(name: String, json: [UInt8])] = []) {
            self.role = role
            self.content = content
            self.members = members
        }
    }

    /// - Parameter tools: a list of functions, or nil.
    package init(messages: [Message], tools: [UInt8]? = nil) throws(UserError) {
        var values: [ChatValue] = []
        for (index, message) in messages.enumerated() {
            var table = ChatTable([
                ("role", .text(message.role)), ("content", message.content.map(ChatValue.text) ?? ChatValue.none),
            ])
            for (name, json) in message.members where table[name] == nil {
                table[name] = ChatValue(try JSONPlace(file: "messages[\(index)].\(name)", bytes: json).node)
            }
            values.append(.table(table))
        }
        self.messages = values
        if let tools { try take(tools: tools) }
    }

    private mutating func take(tools: [UInt8]) throws(UserError) {
        let value = ChatValue(try JSONPlace(file: "tools", bytes: tools).node)
        guard case .list = value else { throw UserError("not a list of functions", at: "tools") }
        self.tools = value
    }

    /// - Parameters:
    ///   - json: a list of messages.
    ///   - tools: a list of functions, or nil.
    package init(json: [UInt8], tools: [UInt8]? = nil, at place: String = "messages") throws(UserError) {
        guard case .list(let messages) = ChatValue(try JSONPlace(file: place, bytes: json).node) else {
            throw UserError("not a list of messages", at: place)
        }
        self.messages = messages
        if let tools { self.tools = ChatValue(try JSONPlace(file: "tools", bytes: tools).node) }
    }
}

/// A conversation as text, and the parts of it that the assistant wrote.
package struct ChatRendering: Equatable, Sendable {
    package var text: String
    /// Ranges of bytes of the text in UTF-8, ascending, none of them empty.
    package var answers: [Range<Int>]
}

/// A chat template: the part of Jinja that `transformers` lets templates use, without anything that reaches outside.
package struct ChatTemplate: Sendable {
    private let statements: [ChatStatement]
    private let hasGeneration: Bool
    private let place: String
    private let source: String

    /// - Parameter place: where the template lies, for errors.
    package init(_ source: String, at place: String) throws(UserError) {
        guard source.utf8.count <= Limits.templateBytesMax else {
            throw UserError("the chat template is longer than \(Limits.templateBytesMax) bytes", at: place)
        }
        do throws(ChatProblem) {
            var parser = try ChatParser(source)
            statements = try parser.template()
            hasGeneration = parser.hasGeneration
        } catch {
            throw UserError("the chat template is not understood in line \(error.line): \(error.what)", at: place)
        }
        self.place = place
        self.source = source
    }

    /// Whether a member of a message, or `tools`, can come through it at all.
    package func mentions(_ name: String) -> Bool { source.contains(name) }

    package func render(_ input: ChatInput) throws(UserError) -> String {
        try run(input, messages: input.messages, prompts: input.addsGenerationPrompt).text
    }

    /// The conversation, with what is to be learned: what stands between `{% generation %}` tags, or else what each of
    /// the assistant's messages adds to the text of those before it.
    /// - Parameter answersAfter: messages that only give context.
    package func renderForTraining(_ input: ChatInput, answersAfter: Int = 0) throws(UserError) -> ChatRendering {
        let whole = try run(input, messages: input.messages, prompts: false)
        if hasGeneration {
            guard answersAfter > 0 else { return whole }
            let start = try run(input, messages: Array(input.messages.prefix(answersAfter)), prompts: false).answers
                .count
            return ChatRendering(text: whole.text, answers: Array(whole.answers.dropFirst(start)))
        }
        var answers: [Range<Int>] = []
        let text = Array(whole.text.utf8)
        for (index, message) in input.messages.enumerated() where index >= answersAfter && Self.isAnswer(message) {
            let start = try start(of: index, input, text)
            let isLast = index == input.messages.count - 1
            let upTo = isLast ? text : try bytes(input, index + 1, prompts: false)
            guard text.starts(with: upTo), upTo.count > start else { throw notTurnByTurn(index) }
            // The line break that a template puts behind a turn is nobody's answer.
            let end = upTo.lastIndex { $0 != 0x0A && $0 != 0x20 }.map { $0 + 1 } ?? upTo.count
            if end > start { answers.append(start..<end) }
        }
        return ChatRendering(text: whole.text, answers: answers)
    }

    /// Where the answer begins: behind the prompt for it, when the template writes one that the answer goes on from.
    private func start(of index: Int, _ input: ChatInput, _ text: [UInt8]) throws(UserError) -> Int {
        let before = try index == 0 ? [] : bytes(input, index, prompts: false)
        let prompt = try? bytes(input, index, prompts: true)
        if let prompt, prompt.count > before.count, text.starts(with: prompt) { return prompt.count }
        guard text.starts(with: before) else { throw notTurnByTurn(index) }
        return before.count
    }

    private func notTurnByTurn(_ index: Int) -> UserError {
        UserError(
            "the chat template writes message \(index) otherwise when more messages follow, so what the "
                + "assistant wrote cannot be told from the rest", at: place,
            fix: "mark it in the template with {% generation %} tags")
    }

    private func bytes(_ input: ChatInput, _ count: Int, prompts: Bool) throws(UserError) -> [UInt8] {
        Array(try run(input, messages: Array(input.messages.prefix(count)), prompts: prompts).text.utf8)
    }

    private static func isAnswer(_ message: ChatValue) -> Bool {
        if case .table(let table) = message, case .text(let role)? = table["role"] { return role == "assistant" }
        return false
    }

    private func run(_ input: ChatInput, messages: [ChatValue], prompts: Bool) throws(UserError) -> ChatRendering {
        var variables = input.variables.mapValues { ChatValue.text($0) }
        variables["messages"] = .list(messages)
        variables["tools"] = input.tools
        variables["documents"] = ChatValue.none
        variables["add_generation_prompt"] = .bool(prompts)
        var interpreter = ChatInterpreter(variables: variables, clock: input.clock)
        do throws(ChatFailure) {
            _ = try interpreter.run(statements)
        } catch {
            throw error.isRaised
                ? UserError("the chat template refuses the messages: \(error.what)", at: place)
                : UserError("the chat template cannot be used on these messages: \(error.what)", at: place)
        }
        let answers = interpreter.answers.filter { !$0.isEmpty }
        return ChatRendering(text: String(decoding: interpreter.output, as: UTF8.self), answers: answers)
    }
}
