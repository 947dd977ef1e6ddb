import MoltCore
import MoltData
import MoltTokenizers

/// Writes conversations by a template: the one that came with a tokenizer, or another.
struct TemplateChatRenderer: ChatRenderer {
    let name: String
    private let tokenizer: FileTokenizer
    private let template: ChatTemplate

    /// Nil when the tokenizer has no template.
    init?(_ tokenizer: FileTokenizer) throws(UserError) {
        guard let source = tokenizer.text.config.chatTemplates["default"] else { return nil }
        self.tokenizer = tokenizer
        template = try ChatTemplate(source, at: tokenizer.file)
        name = "template of \(tokenizer.name)"
    }

    /// - Parameter file: of a template.
    init(_ tokenizer: FileTokenizer, file: String) throws(UserError) {
        self.tokenizer = tokenizer
        let source: String, hash: String
        do throws(FileError) {
            source = String(decoding: try DurableFile.read(file, limit: Limits.templateBytesMax), as: UTF8.self)
            hash = try FileHash.of(file).sha256
        } catch {
            throw UserError("\(error)", at: "data.chat_template", fix: "name a file with a template, or plain")
        }
        name = "template \(file.lastComponent)\(FileTokenizer.mark)\(hash)"
        template = try ChatTemplate(source, at: file)
    }

    func render(_ conversation: Conversation, answersAfter: Int) throws(UserError) -> Document {
        if let lost = conversation.spokenMembers.first(where: { !template.mentions($0) }) {
            throw UserError("it leaves out \"\(lost)\"", fix: "name another template as 'data.chat_template'")
        }
        var input = try ChatInput(
            messages: conversation.messages.map { message in
                ChatInput.Message(
                    role: message.role.rawValue, content: message.isSilent ? nil : message.content,
                    members: message.members.map { ($0.name, $0.json) })
            }, tools: conversation.tools)
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
