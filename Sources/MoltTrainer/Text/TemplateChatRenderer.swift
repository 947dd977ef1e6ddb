import MoltCore
import MoltData
import MoltTokenizers

/// Writes conversations by the template that came with a tokenizer.
struct TemplateChatRenderer: ChatRenderer {
    private let tokenizer: FileTokenizer
    private let template: ChatTemplate

    /// Nil when the tokenizer has no template.
    init?(_ tokenizer: FileTokenizer) throws(UserError) {
        guard let source = tokenizer.text.config.chatTemplates["default"] else { return nil }
        self.tokenizer = tokenizer
        template = try ChatTemplate(source, at: tokenizer.file)
    }

    var name: String { "template of \(tokenizer.name)" }

    func render(_ messages: [ChatMessage], answersAfter: Int) throws(UserError) -> Document {
        var input = ChatInput(messages: messages.map { ($0.role.rawValue, $0.content) })
        let config = tokenizer.text.config
        input.variables["bos_token"] = config.begin ?? ""
        input.variables["eos_token"] = config.end ?? ""
        input.variables["pad_token"] = config.padding
        input.variables["unk_token"] = config.unknown
        let rendering = try template.renderForTraining(input, answersAfter: answersAfter)
        let (tokens, spans) = try tokenizer.text.encode(rendering)
        // The loss needs something to predict the first token from.
        let begins = tokens.first == tokenizer.specials.begin || config.begin == nil && spans.first?.lowerBound != 0
        guard !begins else { return Document(tokens: tokens, spans: spans) }
        return Document(
            tokens: [tokenizer.specials.begin] + tokens, spans: spans.map { $0.lowerBound + 1..<$0.upperBound + 1 })
    }
}
