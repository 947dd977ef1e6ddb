import FoundationEssentials
package import MoltCore
import MoltData
package import MoltRecipe

/// One evaluation of one model: what is asked for, and how it is carried out.
package struct EvaluationJob: Sendable {
    package enum Task: String, Sendable, CaseIterable {
        case perplexity
        case multipleChoice = "multiple-choice"
        case exactMatch = "exact-match"
        case phoneBook = "phone-book"
        case recall
        case needle
    }

    package var task: Task
    /// Files, folders or globs; of perplexity, multiple-choice, exact-match, and the needle's haystack.
    package var data: [String] = []
    /// What named them, for messages.
    package var dataKey = "--data"
    /// Questions or documents at most; 0 means all. Of made tasks, sequences a point.
    package var samples = 0
    /// Tokens that the model sees at once, and by how many its view moves on (perplexity).
    package var sequenceLength = 1024
    package var stride: Int?
    /// What is swept: pairs of a recall, entries of a phone book, tokens of a haystack. Empty: the task's own.
    package var sizes: [Int] = []
    /// Where in the haystack, from 0 to 1.
    package var depths = [0, 0.25, 0.5, 0.75, 1]
    package var seed: UInt64 = 1
    /// Stands between a question and each of its choices.
    package var delimiter = " "
    /// Tokens of an answer at most, and what ends it (exact-match).
    package var tokensMax = 64
    package var stops = ["\n"]
    package var batch = 16
    /// In place of the model's own.
    package var tokenizer: String?

    package init(task: Task) {
        self.task = task
    }

    package func check() throws(UserError) {
        func range(_ name: String, _ value: Int, _ bounds: ClosedRange<Int>) throws(UserError) {
            guard bounds.contains(value) else {
                throw UserError("\(name) must be from \(bounds.lowerBound) to \(bounds.upperBound)", at: "evaluate")
            }
        }
        try range("--samples", samples, 0...WorkLimits.promptsMax)
        try range("--sequence-length", sequenceLength, 2...WorkLimits.evaluatedLength)
        try range("--stride", stride ?? 1, 1...sequenceLength)
        try range("--max-tokens", tokensMax, 1...WorkLimits.generatedTokensMax)
        try range("--batch", batch, 1...WorkLimits.batchMax)
        for size in sizes { try range("--sizes", size, 1...WorkLimits.evaluatedLength) }
        guard sizes.count * depths.count <= WorkLimits.evaluatedPoints else {
            throw UserError("more than \(WorkLimits.evaluatedPoints) points are asked for", at: "--sizes")
        }
        guard !depths.isEmpty, depths.allSatisfy({ (0...1).contains($0) }) else {
            throw UserError("depths are from 0, the beginning, to 1, the end", at: "--depths")
        }
        switch task {
        case .perplexity, .multipleChoice, .exactMatch:
            guard !data.isEmpty else {
                throw UserError("'\(task.rawValue)' needs data", at: dataKey, fix: "name files, folders or globs")
            }
        case .phoneBook, .recall, .needle: break
        }
    }

    /// Evaluates a saved model.
    /// - Parameter beat: called again and again meanwhile; what it throws ends the evaluation.
    package func run(
        _ source: CheckpointSource, on place: ComputePlace, beat: @escaping () throws -> Void = {}
    ) throws -> EvaluationReport {
        var generator = try TextGenerator(source, tokenizer: tokenizer, on: place)
        generator.beat = beat
        let trained = source.manifest.state[StateKey.synthetic] == nil
            ? nil : try source.manifest.state(StateKey.synthetic, as: SyntheticSection.self, at: source.folder)
        var report = try run(generator, trainedOn: trained)
        report.checkpoint = source.folder
        report.step = source.manifest.step
        return report
    }

    /// - Parameter trainedOn: the made sequences that the model learnt, if it did: it is asked for such ones.
    package func run(_ generator: TextGenerator, trainedOn section: SyntheticSection?) throws -> EvaluationReport {
        try check()
        let started = Clock.monotonic()
        var report = EvaluationReport(
            task: task.rawValue, checkpoint: "", step: nil, createdAt: Clock.now(), seconds: 0, settings: [:], axes: [],
            intervals: "Wilson, 95 %", points: [])
        if generator.place.precision == .bf16 { report.settings["precision"] = "bf16" }
        if !data.isEmpty { report.settings["data"] = data.joined(separator: ", ") }
        switch task {
        case .perplexity: try perplexity(generator, &report)
        case .multipleChoice: try multipleChoice(generator, &report)
        case .exactMatch: try exactMatch(generator, &report)
        case .phoneBook, .recall: try lookups(generator, section, &report)
        case .needle: try needle(generator, &report)
        }
        report.seconds = Clock.monotonic() - started
        return report
    }

    /// The scores of rows, all of them numbers.
    func scores(_ generator: TextGenerator, _ rows: [Scorer.Row]) throws -> [Scorer.Scores] {
        let scorer = Scorer(generator.model, precision: generator.place.products)
        let scores = try scorer.scores(of: rows) { _ in try generator.beat() }
        guard scores.allSatisfy({ $0.logProbabilities.allSatisfy(\.isFinite) }) else {
            throw UserError("the model's scores are not numbers", fix: "did its training end well? molt show")
        }
        return scores
    }
}
