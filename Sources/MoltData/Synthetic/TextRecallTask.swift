package import MoltCore

/// Multi-query associative recall in words, for models of text: lines of a key and a value, then every key again.
package struct TextRecallTask: SyntheticTask {
    package var pairs: Int
    private let tokenizer: any Tokenizer

    package init(pairs: Int, tokenizer: any Tokenizer) {
        precondition(pairs > 0, "no pairs to recall")
        self.pairs = pairs
        self.tokenizer = tokenizer
    }

    package var name: String { "recall of \(pairs) pairs of words, \(tokenizer.name)" }

    /// A name has at most 13 letters.
    package var lengthMax: Int { 2 + 2 * pairs * 30 }

    package func sample(_ generator: inout SeededGenerator) throws(UserError) -> SyntheticSample {
        var keys: [String] = []
        while keys.count < pairs {
            let key = PhoneBookTask.name(&generator)
            if !keys.contains(key) { keys.append(key) }
        }
        let values = keys.map { _ in PhoneBookTask.name(&generator) }
        var tokens = [tokenizer.specials.begin], answers: [Range<Int>] = []
        func encode(_ text: String) throws(UserError) -> [Int32] { try tokenizer.encode(Array(text.utf8)[...]) }
        for (key, value) in zip(keys, values) { tokens += try encode("\(key): \(value)\n") }
        tokens += try encode("\n")
        for asked in generator.permutation(pairs) {
            tokens += try encode("\(keys[asked]):")
            let answer = try encode(" \(values[asked])\n")
            answers.append(tokens.count..<tokens.count + answer.count)
            tokens += answer
        }
        return SyntheticSample(tokens: tokens, answers: answers)
    }
}
