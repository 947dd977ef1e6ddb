package import MoltCore

extension TextTokenizer {
    /// The tokens of a conversation, and the ranges of them that the assistant wrote.
    ///
    /// Where tokens are stretches of the text, the text is encoded whole, and a token is the assistant's when it begins
    /// in an answer; else each stretch is encoded alone, as it is when a prompt is answered.
    package func encode(_ rendering: ChatRendering) throws(UserError) -> (tokens: [Int32], spans: [Range<Int>]) {
        let text = Array(rendering.text.utf8)
        let tokens = try encode(text)
        var starts = [0]
        var whole: [UInt8] = []
        for token in tokens {
            whole += try decode(CollectionOfOne(token), skippingSpecials: false)
            starts.append(whole.count)
        }
        guard whole == text else { return try inStretches(rendering, text) }
        var spans: [Range<Int>] = []
        var at = 0
        for answer in rendering.answers {
            while at < tokens.count, starts[at] < answer.lowerBound { at += 1 }
            let first = at
            while at < tokens.count, starts[at] < answer.upperBound { at += 1 }
            if at > first { spans.append(first..<at) }
        }
        return (tokens, spans)
    }

    private func inStretches(
        _ rendering: ChatRendering, _ text: [UInt8]
    ) throws(UserError) -> (tokens: [Int32], spans: [Range<Int>]) {
        var tokens: [Int32] = []
        var spans: [Range<Int>] = []
        var end = 0
        for answer in rendering.answers {
            tokens += try encode(text[end..<answer.lowerBound])
            let first = tokens.count
            tokens += try encode(text[answer])
            if tokens.count > first { spans.append(first..<tokens.count) }
            end = answer.upperBound
        }
        return (tokens + (try encode(text[end...])), spans)
    }
}
