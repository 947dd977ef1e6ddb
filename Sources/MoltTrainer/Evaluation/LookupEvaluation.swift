import MoltCore
import MoltData
import MoltModels
import MoltRecipe

extension EvaluationJob {
    /// Recall and the phone book over several sizes. A model that learnt recall from made tokens is asked in tokens, as
    /// it learnt; others in text.
    func lookups(
        _ generator: TextGenerator, _ section: SyntheticSection?, _ report: inout EvaluationReport
    ) throws {
        let learnt = section?.task.rawValue == task.rawValue ? section : nil
        let count = samples > 0 ? samples : Limits.lookupSamples
        let axis = task == .recall ? "pairs" : "entries"
        report.axes = [axis]
        report.settings["samples"] = "\(count)"
        report.settings["seed"] = "\(seed)"
        report.settings["level"] = task == .recall && learnt != nil ? "tokens" : "text"
        for size in sizes.isEmpty ? Self.sizes(learnt) : sizes {
            let made = try made(size, learnt, generator.tokenizer)
            var random = SeededGenerator(seed, UInt64(size))
            let samples = try (0..<count).map { _ in try made.sample(&random) }
            // Of a phone book the last number is the question; those before are examples.
            let asked = samples.map { task == .recall ? $0.answers : Array($0.answers.suffix(1)) }
            let rows = zip(samples, asked).map { Scorer.Row(tokens: $0.tokens, scored: $1) }
            try check(rows, generator)
            let scores = try scores(generator, rows)
            var answers = 0, right = 0, whole = 0
            for (row, scores) in zip(rows, scores) {
                let hits = Self.hits(row.scored, scores.isBest)
                answers += hits.count
                right += hits.count { $0 }
                whole += hits.allSatisfy { $0 } ? 1 : 0
            }
            let tokens = samples.reduce(0) { $0 + $1.tokens.count } / max(1, samples.count)
            var measures = [EvaluationReport.Measure.share("exact", right, of: answers)]
            if task == .recall { measures.append(.share("all_of_a_sequence", whole, of: count)) }
            measures.append(.init("tokens", Double(tokens)))
            report.points.append(.init(at: [axis: Double(size)], count: answers, measures: measures))
        }
    }

    /// Whether each answer is right in all its tokens.
    package static func hits(_ answers: [Range<Int>], _ isBest: [Bool]) -> [Bool] {
        var rest = isBest[...]
        return answers.map { answer in
            defer { rest = rest.dropFirst(answer.count) }
            return rest.prefix(answer.count).allSatisfy { $0 }
        }
    }

    private func made(
        _ size: Int, _ learnt: SyntheticSection?, _ tokenizer: any Tokenizer
    ) throws(UserError) -> any SyntheticTask {
        if var learnt {
            // Every key once, however many were asked for in training.
            (learnt.size, learnt.queries) = ([size], nil)
            return try SyntheticData.task(learnt, tokenizer)
        }
        guard task == .recall else { return PhoneBookTask(entries: size...size, tokenizer: tokenizer) }
        return TextRecallTask(pairs: size, tokenizer: tokenizer)
    }

    /// Doubling from the least that training had to the most.
    private static func sizes(_ learnt: SyntheticSection?) -> [Int] {
        guard let range = learnt?.range else { return [4, 8, 16, 32] }
        var sizes = [range.lowerBound]
        while let last = sizes.last, last < range.upperBound { sizes.append(min(range.upperBound, last * 2)) }
        return sizes
    }

    /// Made tokens that the model does not have are an error, not an index out of range in a kernel.
    func check(_ rows: [Scorer.Row], _ generator: TextGenerator) throws(UserError) {
        let most = rows.reduce(0) { max($0, Int($1.tokens.max() ?? 0)) }
        guard let vocabulary = generator.model.section.vocabularySize, most < vocabulary else {
            throw UserError("the model has no token \(most)", at: "--task \(task.rawValue)")
        }
    }
}
