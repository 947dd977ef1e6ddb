package import MoltCore
package import MoltData

/// Turns tokens into bytes one after the other, as the whole text would be decoded: some tokenizers write a token
/// differently at the start of a text, so a few earlier ones go with it.
package struct TokenDecoder {
    private static let contextTokens = 6

    private let tokenizer: any Tokenizer
    private var context: [Int32]
    private var known: [UInt8]

    /// - Parameter prompt: what comes before the first token.
    package init(_ tokenizer: any Tokenizer, prompt: [Int32]) throws(UserError) {
        self.tokenizer = tokenizer
        context = prompt.suffix(Self.contextTokens)
        known = try tokenizer.decode(context)
    }

    package mutating func bytes(of token: Int32) throws(UserError) -> [UInt8] {
        context.append(token)
        let all = try tokenizer.decode(context)
        let new = all.starts(with: known) ? Array(all.dropFirst(known.count)) : try tokenizer.decode([token])
        if context.count > 2 * Self.contextTokens {
            context = context.suffix(Self.contextTokens)
            known = try tokenizer.decode(context)
        } else {
            known = all
        }
        return new
    }
}
