#if canImport(Glibc)
import Glibc
#endif
import MoltCore
import MoltData

extension EvaluationJob {
    /// How likely the model finds texts, token by token. A text longer than the model's view is read in windows that
    /// overlap: each token is scored once, with at least `sequenceLength − stride` before it where there are any.
    func perplexity(_ generator: TextGenerator, _ report: inout EvaluationReport) throws {
        let tokenizer = generator.tokenizer, step = stride ?? max(1, sequenceLength / 2)
        let corpus = try Corpus(files: try DataPaths.resolve(data, key: dataKey), tokenizer: tokenizer)
        let count = samples > 0 ? min(samples, corpus.documentCount) : corpus.documentCount
        var rows: [Scorer.Row] = [], bytes: [Int] = [], owners: [Int] = []
        for number in 0..<count {
            try generator.beat()
            let document = generator.framed(try corpus.document(number))
            let windows = Self.windows(
                document.tokens.count, first: document.firstTarget, length: sequenceLength, stride: step)
            for window in windows {
                let tokens = Array(document.tokens[window.tokens])
                let scored = window.scored.lowerBound - window.tokens.lowerBound
                rows.append(Scorer.Row(tokens: tokens, scored: [scored..<tokens.count]))
                bytes.append(try tokenizer.decode(tokens[scored...]).count)
                owners.append(number)
            }
        }
        let sums = try scores(generator, rows).map { $0.logProbabilities.reduce(0, +) }
        let targets = rows.map { $0.targets.count }
        // Windows of one document are alike: documents are drawn again, or windows where there is one alone.
        let units = count > 1 ? owners : Array(rows.indices)
        let nats = -sums.reduce(0, +), allTargets = targets.reduce(0, +), allBytes = bytes.reduce(0, +)
        guard allTargets > 0 else { throw UserError("the data has nothing to predict", at: dataKey) }
        let loss = nats / Double(allTargets)
        let perToken = Bootstrap.ratio(sums.map { -$0 }, over: targets, units: units, seed: seed)
        let perByte = Bootstrap.ratio(sums.map { -$0 }, over: bytes, units: units, seed: seed)
        let bits = nats / Double(max(1, allBytes)) / ln2
        func powers(_ range: (low: Double, high: Double)?) -> (low: Double?, high: Double?) {
            (range.map { exp($0.low) }, range.map { exp($0.high) })
        }
        report.axes = []
        report.settings["sequence_length"] = "\(sequenceLength)"
        report.settings["stride"] = "\(step)"
        report.intervals = "bootstrap over \(count > 1 ? "documents" : "windows"), 95 %"
        report.points = [
            EvaluationReport.Point(
                count: allTargets,
                measures: [
                    .init("loss", loss, low: perToken?.low, high: perToken?.high),
                    .init("perplexity", exp(loss), low: powers(perToken).low, high: powers(perToken).high),
                    .init(
                        "bits_per_byte", bits, low: perByte.map { $0.low / ln2 }, high: perByte.map { $0.high / ln2 }),
                    .init("byte_perplexity", exp(bits * ln2), low: powers(perByte).low, high: powers(perByte).high),
                ])
        ]
    }

    private var ln2: Double { 0.693_147_180_559_945_3 }

    /// The windows of a text of `count` tokens: what each reads, and the part of it that it scores.
    /// - Parameter first: the first token that is a target.
    package static func windows(
        _ count: Int, first: Int, length: Int, stride: Int
    ) -> [(tokens: Range<Int>, scored: Range<Int>)] {
        var result: [(tokens: Range<Int>, scored: Range<Int>)] = []
        var done = max(1, first)
        while done < count {
            // The first window ends where its view is full; the others move on by the stride. The last token is a
            // target alone.
            let end = min(count, result.isEmpty ? max(length + 1, done + stride) : done + stride)
            let start = max(0, end - length - 1)
            result.append((start..<end, done..<end))
            done = end
        }
        return result
    }
}

extension TextGenerator {
    /// A text as the model's own tool would give it: one that Molt did not train need not know our ends of documents.
    fileprivate func framed(_ document: Document) -> Document {
        let begin = tokenizer.specials.begin, end = tokenizer.specials.end
        guard !isOwn, document.shape.countsEverything, document.tokens.first == begin, document.tokens.last == end
        else { return document }
        let tokens = prefix + document.tokens.dropFirst().dropLast()
        return Document(tokens: tokens, firstTarget: max(1, prefix.count))
    }
}

/// Intervals of ratios by drawing the units again and again (Efron 1979).
package enum Bootstrap {
    private static let repetitions = 1000

    /// The middle 95 % of Σ values / Σ counts over units drawn with replacement; nil for fewer than two units.
    /// - Parameter units: the unit of each value.
    package static func ratio(
        _ values: [Double], over counts: [Int], units: [Int], seed: UInt64
    ) -> (low: Double, high: Double)? {
        var sums: [Int: (value: Double, count: Int)] = [:]
        for (index, unit) in units.enumerated() {
            sums[unit, default: (0, 0)].value += values[index]
            sums[unit, default: (0, 0)].count += counts[index]
        }
        let drawn = sums.keys.sorted().compactMap { sums[$0] }
        guard drawn.count > 1 else { return nil }
        var generator = SeededGenerator(seed)
        let ratios = (0..<repetitions).map { _ in
            var value = 0.0, count = 0
            for _ in drawn.indices {
                let unit = drawn[Int(generator.below(UInt64(drawn.count)))]
                value += unit.value
                count += unit.count
            }
            return value / Double(max(1, count))
        }.sorted()
        return (ratios[repetitions / 40], ratios[repetitions - 1 - repetitions / 40])
    }
}
