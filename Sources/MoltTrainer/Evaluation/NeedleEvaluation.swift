package import MoltCore
package import MoltData

extension EvaluationJob {
    /// A number told once somewhere in a long text, and asked for at its end: lengths by depths.
    func needle(_ generator: TextGenerator, _ report: inout EvaluationReport) throws {
        let count = samples > 0 ? samples : Limits.needleSamples
        report.axes = ["tokens", "depth"]
        report.settings["samples"] = "\(count)"
        report.settings["seed"] = "\(seed)"
        let lines = try haystackLines(generator)
        for size in sizes.isEmpty ? [512, 1024, 2048, 4096] : sizes {
            for depth in depths {
                var random = SeededGenerator(seed, UInt64(size), UInt64(depth * 1_000_000))
                let rows = try (0..<count).map { _ in
                    try generator.beat()
                    return try Haystack(
                        generator.tokenizer, lines, tokens: size, depth: depth, prefix: generator.framed([]), &random
                    ).row
                }
                try check(rows, generator)
                let hits = try zip(rows, scores(generator, rows)).count { Self.hits($0.scored, $1.isBest) == [true] }
                report.points.append(
                    .init(
                        at: ["tokens": Double(size), "depth": depth], count: count,
                        measures: [.share("exact", hits, of: count)]))
            }
        }
    }

    /// Lines of the user's texts; without any, made ones.
    private func haystackLines(_ generator: TextGenerator) throws -> [[Int32]] {
        let tokenizer = generator.tokenizer
        guard !data.isEmpty else {
            var random = SeededGenerator(seed, 0x4A7)
            return try (0..<500).map { _ in try tokenizer.encode(Array(Haystack.sentence(&random).utf8)[...]) }
        }
        let corpus = try Corpus(files: try DataPaths.resolve(data, key: dataKey), tokenizer: tokenizer)
        var lines: [[Int32]] = []
        for number in 0..<corpus.documentCount where lines.count < Limits.haystackLines {
            try generator.beat()
            let text = try tokenizer.decode(corpus.document(number).tokens)
            for line in text.split(separator: 0x0A) {
                let tokens = try tokenizer.encode((line + [0x0A])[...])
                // A needle lies between lines: long ones would leave it few places.
                lines += Swift.stride(from: 0, to: tokens.count, by: Limits.haystackLine).map {
                    Array(tokens[$0..<min($0 + Limits.haystackLine, tokens.count)])
                }
            }
        }
        lines = lines.filter { !$0.isEmpty }
        guard !lines.isEmpty else { throw UserError("the data has no lines of text", at: dataKey) }
        return lines
    }
}

/// A text of a given length with one line that matters.
package struct Haystack {
    package let tokens: [Int32]
    package let answer: Range<Int>

    var row: Scorer.Row { Scorer.Row(tokens: tokens, scored: [answer]) }

    /// - Parameters:
    ///   - lines: what the haystack is made of, from a random place on, round and round; the first one may lack its
    ///     beginning, so that the length comes out.
    ///   - count: tokens of the whole.
    ///   - depth: the share of the lines that come before the needle.
    ///   - prefix: what begins the text; the tokenizer's token for that unless given.
    package init(
        _ tokenizer: any Tokenizer, _ lines: [[Int32]], tokens count: Int, depth: Double,
        prefix: [Int32]? = nil, _ random: inout SeededGenerator
    ) throws(UserError) {
        let prefix = prefix ?? [tokenizer.specials.begin]
        func encode(_ text: String) throws(UserError) -> [Int32] { try tokenizer.encode(Array(text.utf8)[...]) }
        let name = PhoneBookTask.name(&random), number = "\(1_000_000 + random.below(9_000_000))"
        let needle = try encode("The secret number of \(name) is \(number).\n")
        let question = try encode("\nThe secret number of \(name) is"), right = try encode(" \(number)")
        var room = count - prefix.count - needle.count - question.count - right.count
        guard room >= 0 else {
            throw UserError("\(count) tokens do not hold the needle and its question", at: "--sizes")
        }
        var hay: [ArraySlice<Int32>] = [], next = Int(random.below(UInt64(lines.count)))
        while lines[next].count <= room {
            hay.append(lines[next][...])
            room -= lines[next].count
            next = (next + 1) % lines.count
        }
        if room > 0 { hay.insert(lines[next].suffix(room), at: 0) }
        let before = Int((depth * Double(hay.count)).rounded())
        let head = prefix + hay[..<before].joined() + needle + hay[before...].joined() + question
        tokens = head + right
        answer = head.count..<tokens.count
    }

    static func sentence(_ random: inout SeededGenerator) -> String {
        let verbs = ["met", "wrote to", "waited for", "walked with", "sang for", "asked about"]
        let verb = verbs[Int(random.below(UInt64(verbs.count)))]
        let first = PhoneBookTask.name(&random)
        return "\(first) \(verb) \(PhoneBookTask.name(&random)) \(2 + random.below(97)) times.\n"
    }
}
