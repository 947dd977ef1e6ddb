import MoltCore
import MoltData

/// The tokenizer that a name stands for, and what writes conversations for it.
enum TextTools {
    static func named(_ name: String) throws(UserError) -> (tokenizer: any Tokenizer, chat: (any ChatRenderer)?) {
        guard name != "bytes" else {
            let tokenizer = try Tokenizers.named(name)
            return (tokenizer, PlainChatRenderer(tokenizer: tokenizer))
        }
        let tokenizer = try FileTokenizer(name, key: "data.tokenizer")
        return (tokenizer, try TemplateChatRenderer(tokenizer) ?? PlainChatRenderer(tokenizer: tokenizer))
    }
}
