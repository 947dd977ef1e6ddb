import MoltCore
import MoltData

/// The tokenizer that a name stands for, and what writes conversations for it.
enum TextTools {
    /// - Parameter template: as for `chat`.
    static func named(
        _ name: String, template: String? = nil
    ) throws(UserError) -> (tokenizer: any Tokenizer, chat: (any ChatRenderer)?) {
        let tokenizer = try tokenizer(name, key: "data.tokenizer")
        return (tokenizer, try chat(for: tokenizer, template: template))
    }

    /// - Parameter key: what named it, for errors.
    static func tokenizer(_ name: String, key: String) throws(UserError) -> any Tokenizer {
        name == "bytes" ? ByteTokenizer() : try FileTokenizer(name, key: key)
    }

    /// What writes conversations; nil for a tokenizer of a file that has no template, whose model never saw our form.
    /// - Parameter template: `plain`, or the file of a template in place of the tokenizer's own.
    static func chat(
        for tokenizer: any Tokenizer, template: String? = nil
    ) throws(UserError) -> (any ChatRenderer)? {
        guard template != "plain" else { return PlainChatRenderer(tokenizer: tokenizer) }
        guard let file = tokenizer as? FileTokenizer else {
            guard template == nil else {
                throw UserError(
                    "the bytes have no special tokens for a template to write", at: "data.chat_template",
                    fix: "leave it out, or name another tokenizer")
            }
            return PlainChatRenderer(tokenizer: tokenizer)
        }
        if let template { return try TemplateChatRenderer(file, file: template) }
        return try TemplateChatRenderer(file)
    }
}
