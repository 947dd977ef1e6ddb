package import MoltCore

/// Looking up numbers in a list (Jelassi et al. 2024): lines of a name and ten digits, some of them again as examples
/// (two in the paper), then a name alone. The ten digits that belong to it are the answer; the examples' numbers count
/// as answers, too.
///
/// The first digit is 6 to 9. Names are two words of made-up syllables.
package struct PhoneBookTask: SyntheticTask {
    package var entries: ClosedRange<Int>
    package var digits: Int
    /// How many names are asked for, the examples among them.
    package var queries: Int
    /// Puts the question before the book as well.
    package var asksFirst: Bool
    private let tokenizer: any Tokenizer

    package init(
        entries: ClosedRange<Int>, digits: Int = 10, queries: Int = 3, asksFirst: Bool = false,
        tokenizer: any Tokenizer
    ) {
        let isSound = entries.lowerBound > 0 && digits > 0 && queries > 0
        precondition(isSound, "no such phone book: \(entries), \(digits), \(queries)")
        self.entries = entries
        self.digits = digits
        self.queries = queries
        self.asksFirst = asksFirst
        self.tokenizer = tokenizer
    }

    package var name: String {
        "phone book of \(entries.lowerBound) to \(entries.upperBound) entries with \(digits) digits"
            + (queries == 3 ? "" : ", \(queries) queries") + (asksFirst ? ", asked first" : "") + ", \(tokenizer.name)"
    }

    /// A line has 2 words of at most 6 letters, a colon, 2 blanks, the digits and an end.
    package var lengthMax: Int { 1 + (entries.upperBound + queries + 1) * (16 + digits) + 2 }

    /// The text before the answer, and the answer: a blank, the digits and the end of the line.
    package func text(_ generator: inout SeededGenerator) -> (parts: [(text: String, isAnswer: Bool)], asked: String) {
        let count = entries.lowerBound + Int(generator.below(UInt64(entries.count)))
        var names: [String] = []
        while names.count < count {
            let name = Self.name(&generator)
            if !names.contains(name) { names.append(name) }
        }
        let numbers = names.map { _ in Self.number(digits, &generator) }
        // None is asked for again before all were: what has been answered once would only have to be copied.
        var asked: [Int] = []
        while asked.count < queries { asked += generator.permutation(count).prefix(queries - asked.count) }
        var parts: [(text: String, isAnswer: Bool)] = []
        if asksFirst { parts.append(("\(names[asked[queries - 1]])\n\n", false)) }
        for (name, number) in zip(names, numbers) { parts.append(("\(name): \(number)\n", false)) }
        for (place, entry) in asked.enumerated() {
            parts.append(((place == 0 || place == queries - 1 ? "\n" : "") + "\(names[entry]):", false))
            parts.append((" \(numbers[entry])\n", true))
        }
        return (parts, numbers[asked[queries - 1]])
    }

    package func sample(_ generator: inout SeededGenerator) throws(UserError) -> SyntheticSample {
        var tokens = [tokenizer.specials.begin], answers: [Range<Int>] = []
        for part in text(&generator).parts {
            let start = tokens.count
            tokens += try tokenizer.encode(Array(part.text.utf8)[...])
            if part.isAnswer { answers.append(start..<tokens.count) }
        }
        return SyntheticSample(tokens: tokens, answers: answers)
    }

    package static func name(_ generator: inout SeededGenerator) -> String {
        let first = word(&generator)
        return "\(first) \(word(&generator))"
    }

    private static func word(_ generator: inout SeededGenerator) -> String {
        let consonants = Array("bdfgklmnprstvz"), vowels = Array("aeiou")
        let letters = (0..<2 + Int(generator.below(2))).map { _ in
            let consonant = consonants[Int(generator.below(UInt64(consonants.count)))]
            return "\(consonant)\(vowels[Int(generator.below(UInt64(vowels.count)))])"
        }.joined()
        return letters.prefix(1).uppercased() + letters.dropFirst()
    }

    private static func number(_ digits: Int, _ generator: inout SeededGenerator) -> String {
        (0..<digits).map { "\(($0 == 0 ? 6 : 0) + generator.below($0 == 0 ? 4 : 10))" }.joined()
    }
}
