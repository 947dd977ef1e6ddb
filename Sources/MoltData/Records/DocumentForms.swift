import MoltCore

/// How a line of JSONL becomes documents: one, or a preference pair's two.
struct DocumentForms: Sendable {
    let tokenizer: any Tokenizer
    /// Nil where no chat template is at hand; conversations are refused then.
    let chat: (any ChatRenderer)?

    func plain(_ bytes: ArraySlice<UInt8>) throws(LineProblem) -> Document {
        var tokens = [tokenizer.specials.begin]
        try encode(bytes, to: &tokens)
        tokens.append(tokenizer.specials.end)
        return Document(tokens: tokens, firstTarget: 1)
    }

    /// Tokens that are bytes are made in parts, so that a long document is not held twice.
    private func encode(_ bytes: ArraySlice<UInt8>, to tokens: inout [Int32]) throws(LineProblem) {
        do throws(UserError) {
            guard tokenizer.isBytewise else {
                tokens += try tokenizer.encode(bytes)
                return
            }
            tokens.reserveCapacity(tokens.count + bytes.count + 1)
            var rest = bytes
            while !rest.isEmpty {
                let part = rest.prefix(Limits.tokensAtOnce)
                tokens += try tokenizer.encode(part)
                rest = rest.dropFirst(part.count)
            }
        } catch {
            throw LineProblem(what: error.what, offset: 0, kind: .tokens, fix: error.fix)
        }
    }

    /// - Returns: one document, or the chosen and the rejected one of a pair.
    func documents(_ form: LineForm) throws(LineProblem) -> [Document] {
        switch form {
        case .text(let text): [try plain(text[...])]
        case .completion(let prompt, let completion): [try continued(prompt, completion)]
        case .chat(let conversation): [try rendered(conversation, answersAfter: 0)]
        case .pair(.text(let prompt), .text(let chosen), .text(let rejected)):
            [try continued(prompt, chosen), try continued(prompt, rejected)]
        case .pair(let prompt, let chosen, let rejected):
            [try answered(prompt, chosen), try answered(prompt, rejected)]
        }
    }

    private func continued(_ prompt: [UInt8], _ completion: [UInt8]) throws(LineProblem) -> Document {
        var tokens = [tokenizer.specials.begin]
        try encode(prompt[...], to: &tokens)
        let head = tokens.count
        try encode(completion[...], to: &tokens)
        tokens.append(tokenizer.specials.end)
        return Document(tokens: tokens, firstTarget: head)
    }

    /// A pair of which some part is a conversation: all of it is one, and the answer is what the prompt has not.
    private func answered(
        _ prompt: JSONLine.Content, _ answer: JSONLine.Content
    ) throws(LineProblem) -> Document {
        let context = prompt.messages(.user)
        var turns = answer.messages(.assistant)
        // Some data repeats the prompt in both answers.
        if turns.count > context.count, Array(turns.prefix(context.count)) == context {
            turns.removeFirst(context.count)
        }
        return try rendered(Conversation(context + turns), answersAfter: context.count)
    }

    private func rendered(_ conversation: Conversation, answersAfter: Int) throws(LineProblem) -> Document {
        func bad(_ what: String, fix: String? = nil) -> LineProblem {
            LineProblem(what: what, offset: 0, kind: .chat, fix: fix)
        }
        guard let chat else {
            throw bad(
                "the tokenizer '\(tokenizer.name)' has no chat template",
                fix: "name one as 'data.chat_template' (--chat-template): a file, or plain for lines 'role: content'")
        }
        guard conversation.messages.dropFirst(answersAfter).contains(where: { $0.role == .assistant }) else {
            throw bad("no message is the assistant's, so there is nothing to learn")
        }
        let document: Document
        do throws(UserError) {
            document = try chat.render(conversation, answersAfter: answersAfter)
        } catch {
            throw bad("the chat template refuses the messages: \(error.what)", fix: error.fix)
        }
        guard document.shape.firstTarget < document.tokens.count, document.shape.firstTarget > 0 else {
            throw bad("the chat template leaves nothing to learn")
        }
        return document
    }
}

/// Which of the known forms a line has.
enum LineForm: Equatable {
    case text([UInt8])
    case completion(prompt: [UInt8], [UInt8])
    case chat(Conversation)
    case pair(prompt: JSONLine.Content, chosen: JSONLine.Content, rejected: JSONLine.Content)

    init(_ line: JSONLine) throws(LineProblem) {
        let isPair = line.chosen != nil || line.rejected != nil
        switch (line.text, line.prompt, line.completion, line.messages) {
        case (let text?, nil, nil, nil) where !isPair: self = .text(text)
        case (nil, .text(let prompt)?, let completion?, nil) where !isPair:
            self = .completion(prompt: prompt, completion)
        case (nil, nil, nil, let messages?) where !isPair:
            let turns = try line.system?.before(messages) ?? messages
            self = .chat(Conversation(turns, tools: line.tools))
        case (nil, let prompt, nil, nil) where isPair:
            guard let prompt, let chosen = line.chosen, let rejected = line.rejected else {
                throw LineProblem(
                    what: "a preference pair needs \"prompt\", \"chosen\" and \"rejected\"", offset: 0, kind: .pair)
            }
            guard line.tools == nil else {
                throw LineProblem(what: "a preference pair with \"tools\" is not read", offset: 0, kind: .pair)
            }
            self = .pair(prompt: prompt, chosen: chosen, rejected: rejected)
        default:
            throw LineProblem(
                what: "the line needs either \"text\", or \"prompt\" and \"completion\", or \"messages\", or "
                    + "\"prompt\", \"chosen\" and \"rejected\"", offset: 0, kind: .form)
        }
    }

    var isPair: Bool {
        if case .pair = self { return true }
        return false
    }

    /// Every text in it, to hash and to measure: equal for forms that say the same.
    func forEachText(_ body: (ArraySlice<UInt8>) -> Void) {
        func content(_ content: JSONLine.Content) {
            switch content {
            case .text(let text): body(text[...])
            case .messages(let messages): turns(messages)
            }
        }
        func turns(_ messages: [ChatMessage]) {
            for message in messages {
                body(Array(message.role.rawValue.utf8)[...])
                body(Array(message.content.utf8)[...])
                for member in message.members where member.isSpoken {
                    body(Array(member.name.utf8)[...])
                    body(member.json[...])
                }
            }
        }
        switch self {
        case .text(let text): body(text[...])
        case .completion(let prompt, let completion):
            body(prompt[...])
            body(completion[...])
        case .chat(let conversation):
            turns(conversation.messages)
            if let tools = conversation.tools { body(tools[...]) }
        case .pair(let prompt, let chosen, let rejected):
            content(prompt)
            content(chosen)
            content(rejected)
        }
    }
}

extension JSONLine.Content {
    func messages(_ role: ChatMessage.Role) -> [ChatMessage] {
        switch self {
        case .text(let text): [ChatMessage(role, String(decoding: text, as: UTF8.self))]
        case .messages(let messages): messages
        }
    }
}

extension LineProblem {
    /// What the user reads: the line's place, what is wrong and what to do.
    func userError(at place: String) -> UserError {
        switch kind {
        case .json: UserError("not a JSON object: \(what), at byte \(offset) of the line", at: place)
        case .form:
            UserError(what, at: place, fix: "write {\"text\": …} or {\"prompt\": …, \"completion\": …}")
        case .pair:
            UserError(what, at: place, fix: "write {\"prompt\": …, \"chosen\": …, \"rejected\": …}")
        case .chat:
            UserError(
                "bad conversation: \(what)", at: place,
                fix: fix ?? "write {\"messages\": [{\"role\": \"user\", \"content\": …}, "
                    + "{\"role\": \"assistant\", \"content\": …}]}")
        case .tokens:
            UserError("the text has no tokens: \(what)", at: place, fix: fix)
        }
    }
}
