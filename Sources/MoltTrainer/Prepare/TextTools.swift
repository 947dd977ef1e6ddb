import MoltCore
import MoltData

/// The tokenizer that a name stands for, and what writes conversations for it.
enum TextTools {
    static func named(_ name: String) throws(UserError) -> (tokenizer: any Tokenizer, chat: (any ChatRenderer)?) {
        let tokenizer = try Tokenizers.named(name)
        return (tokenizer, PlainChatRenderer(tokenizer: tokenizer))
    }
}
