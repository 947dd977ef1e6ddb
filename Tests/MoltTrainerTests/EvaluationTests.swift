#if canImport(Glibc)
import Glibc
#endif
import FoundationEssentials
import MoltCore
import MoltData
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

/// Scores against those of whole forward passes, one text at a time, and reports against counting by hand.
struct EvaluationTests {
    private let folder = TemporaryFolder("evaluation")

    private static func generator(_ folder: TemporaryFolder) throws -> TextGenerator {
        var section = try #require(try TinyRecipe.make(folder).model)
        section.vocabularySize = 264
        section.initializerRange = 1
        return TextGenerator(model: try HybridModel(section), tokenizer: ByteTokenizer())
    }

    private func write(_ name: String, _ text: String) throws -> String {
        try DurableFile.write(Data(text.utf8), to: folder(name))
        return folder(name)
    }

    /// log softmax of the model's scores of every token after the first, in fp64, from one forward pass of one text.
    private static func logProbabilities(_ generator: TextGenerator, _ tokens: [Int32]) throws -> [Double] {
        let batch = try GenerationBatch(generator.model, prompts: [[tokens[0]]])
        return try tokens.dropFirst().map { token in
            let scores = try batch.hostScores()[0].map(Double.init)
            try batch.advance([token])
            let best = scores.max() ?? 0
            return scores[Int(token)] - best - log(scores.reduce(0) { $0 + exp($1 - best) })
        }
    }

    private static func measure(_ report: EvaluationReport, _ name: String, point: Int = 0) throws -> Double {
        try #require(report.points[point].measures.first { $0.name == name }?.value)
    }

    @Test func perplexityIsTheMeanOverAllTokensAndBytes() throws {
        let generator = try Self.generator(folder)
        let texts = ["the quick brown fox", "jumps", "over thé dog"]
        var job = EvaluationJob(task: .perplexity)
        job.data = [try write("texts.jsonl", texts.map { "{\"text\": \"\($0)\"}" }.joined(separator: "\n"))]
        let report = try job.run(generator, trainedOn: nil)
        var nats = 0.0, tokens = 0, bytes = 0
        for text in texts {
            let all = [256] + text.utf8.map(Int32.init) + [257]
            nats -= try Self.logProbabilities(generator, all).reduce(0, +)
            (tokens, bytes) = (tokens + all.count - 1, bytes + text.utf8.count)
        }
        #expect(abs(try Self.measure(report, "loss") - nats / Double(tokens)) < 1e-5)
        #expect(abs(try Self.measure(report, "perplexity") / exp(nats / Double(tokens)) - 1) < 1e-4)
        #expect(abs(try Self.measure(report, "bits_per_byte") - nats / Double(bytes) / log(2)) < 1e-5)
        #expect(abs(try Self.measure(report, "byte_perplexity") / exp(nats / Double(bytes)) - 1) < 1e-4)
        #expect(report.points[0].count == tokens)
        let loss = try #require(report.points[0].measures.first)
        #expect(try #require(loss.low) <= loss.value && loss.value <= #require(loss.high))
    }

    @Test func windowsScoreEachTokenOnceWithEnoughBeforeIt() {
        let cases = [(50, 1, 16, 5), (50, 1, 16, 16), (9, 1, 16, 8), (40, 25, 10, 3), (2, 1, 2, 1)]
        for (count, first, length, stride) in cases {
            let windows = EvaluationJob.windows(count, first: first, length: length, stride: stride)
            #expect(windows.flatMap { Array($0.scored) } == Array(first..<count))
            for window in windows {
                #expect(window.tokens.count <= length + 1)
                #expect(window.tokens.upperBound == window.scored.upperBound)
                let before = window.scored.lowerBound - window.tokens.lowerBound
                #expect(before >= 1 && before >= min(window.scored.lowerBound, length + 1 - stride))
            }
        }
    }

    @Test func aLongTextInWindowsSeesWhatEachWindowShows() throws {
        let generator = try Self.generator(folder)
        let text = TinyRecipe.text.prefix(70)
        var job = EvaluationJob(task: .perplexity)
        job.data = [try write("long.txt", String(text))]
        (job.sequenceLength, job.stride) = (24, 7)
        let report = try job.run(generator, trainedOn: nil)
        let all = [256] + text.utf8.map(Int32.init) + [257]
        var nats = 0.0
        for window in EvaluationJob.windows(all.count, first: 1, length: 24, stride: 7) {
            let scores = try Self.logProbabilities(generator, Array(all[window.tokens]))
            nats -= scores.suffix(window.scored.count).reduce(0, +)
        }
        #expect(abs(try Self.measure(report, "loss") - nats / Double(all.count - 1)) < 1e-5)
    }

    @Test func theMostLikelyChoiceIsCounted() throws {
        let generator = try Self.generator(folder)
        let questions = (0..<12).map { number in
            (question: "question \(number)?", choices: ["yes", "no, never", "it is \(number)", "x"], answer: number % 4)
        }
        var raw = 0, perByte = 0
        for question in questions {
            let scores = try question.choices.map { choice in
                let head = [256] + question.question.utf8.map(Int32.init)
                let whole = head + " \(choice)".utf8.map(Int32.init)
                return try Self.logProbabilities(generator, whole).suffix(whole.count - head.count).reduce(0, +)
            }
            raw += scores.firstIndex(of: scores.max() ?? 0) == question.answer ? 1 : 0
            let divided = zip(scores, question.choices).map { $0 / Double($1.utf8.count) }
            perByte += divided.firstIndex(of: divided.max() ?? 0) == question.answer ? 1 : 0
        }
        // The right choice by its number, its letter or its text.
        let lines = questions.enumerated().map { index, question in
            let right = ["\(question.answer)", "\"\(["A", "B", "C", "D"][question.answer])\"",
                "\"\(question.choices[question.answer])\""][index % 3]
            let choices = question.choices.map { "\"\($0)\"" }.joined(separator: ", ")
            return "{\"question\": \"\(question.question)\", \"choices\": [\(choices)], \"answer\": \(right)}"
        }
        var job = EvaluationJob(task: .multipleChoice)
        job.data = [try write("choices.jsonl", lines.joined(separator: "\n"))]
        let report = try job.run(generator, trainedOn: nil)
        #expect(report.points[0].count == 12)
        #expect(abs(try Self.measure(report, "accuracy") - Double(raw) / 12) < 1e-12)
        #expect(abs(try Self.measure(report, "accuracy_per_byte") - Double(perByte) / 12) < 1e-12)
    }

    @Test func anAnswerIsRightWhenItIsWhatTheModelWrites() throws {
        let generator = try Self.generator(folder)
        let prompts = ["a", "be", "cat", "door"]
        var speed = GenerationSpeed()
        let written = try generator.generate(
            prompts.map { .init(prompt: Array($0.utf8), tokensMax: 5, stops: [[10]]) }, speed: &speed)
        // The first two are right, one of them with blanks around it; the others are not.
        let bytes = written.map { String(decoding: $0.text, as: UTF8.self) }
        let answers = [bytes[0], " \(bytes[1])\n", bytes[2] + "!", "no"]
        let lines = try zip(prompts, answers).map { prompt, answer in
            String(decoding: try JSONFile.encode(["prompt": prompt, "answer": answer]), as: UTF8.self)
        }
        var job = EvaluationJob(task: .exactMatch)
        job.data = [try write("exact.jsonl", lines.joined(separator: "\n"))]
        (job.tokensMax, job.batch) = (5, 3)
        let report = try job.run(generator, trainedOn: nil)
        #expect(try Self.measure(report, "exact") == 0.5)
        #expect(report.points[0].count == 4)
    }

    @Test func answersAreRightInAllTheirTokensOrNotAtAll() {
        let isBest = [true, true, false, true, true, true]
        #expect(EvaluationJob.hits([3..<5, 7..<8, 9..<12], isBest) == [true, false, true])
        #expect(EvaluationJob.hits([1..<3], [true, false]) == [false])
    }

    @Test(arguments: [EvaluationJob.Task.recall, .phoneBook, .needle])
    func anUntrainedModelRecallsNothing(_ task: EvaluationJob.Task) throws {
        var job = EvaluationJob(task: task)
        (job.samples, job.sizes, job.depths) = (3, task == .needle ? [150, 300] : [2, 5], [0, 1])
        let report = try job.run(try Self.generator(folder), trainedOn: nil)
        #expect(report.points.count == (task == .needle ? 4 : 2))
        #expect(try report.points.indices.allSatisfy { try Self.measure(report, "exact", point: $0) < 0.2 })
        #expect(report.points.allSatisfy { Set($0.at.keys) == Set(report.axes) })
        #expect(report.settings["level"] == (task == .needle ? nil : "text"))
    }

    @Test func aNeedleIsWhereItShouldBe() throws {
        let tokenizer = ByteTokenizer()
        let lines = (0..<40).map { Array("line number \($0) of the hay\n".utf8).map(Int32.init) }
        for (seed, depth) in [0.0, 0.5, 1.0].enumerated() {
            var random = SeededGenerator(UInt64(seed))
            let hay = try Haystack(tokenizer, lines, tokens: 400, depth: depth, &random)
            let text = String(decoding: tokenizer.decode(hay.tokens), as: UTF8.self)
            let parts = text.split(separator: "\n", omittingEmptySubsequences: false)
            let needle = try #require(parts.firstIndex { $0.hasPrefix("The secret number of") })
            // Beside the lines there are the needle, a blank line and the question.
            #expect(needle == Int((depth * Double(parts.count - 3)).rounded()))
            #expect(hay.tokens.count == 400)
            let answer = String(decoding: tokenizer.decode(hay.tokens[hay.answer]), as: UTF8.self)
            #expect(parts[needle].hasSuffix("is\(answer)."))
            #expect(parts.last.map(String.init) == String(parts[needle].dropLast()))
        }
    }

    /// A line that does not fit would leave the haystack empty, and the report would tell of a length never read.
    @Test func longLinesFillAHaystackToo() throws {
        let tokenizer = ByteTokenizer(), line = [Int32](repeating: 104, count: 3000) + [10]
        for depth in [0.0, 1.0] {
            var random = SeededGenerator(9)
            let hay = try Haystack(tokenizer, [line], tokens: 512, depth: depth, &random)
            #expect(hay.tokens.count == 512)
            #expect(hay.tokens.count { $0 == 104 } > 350)
        }
        var job = EvaluationJob(task: .needle)
        job.data = [try write("long.txt", String(repeating: "hay ", count: 2000))]
        (job.samples, job.sizes, job.depths) = (2, [600], [0.5])
        #expect(try job.run(try Self.generator(folder), trainedOn: nil).points.count == 1)
    }

    @Test func wilsonsIntervalIsThatOfTheTables() {
        // scipy.stats.binomtest(8, 10).proportion_ci(method="wilson"), and of 0 in 20.
        let some = Interval.wilson(hits: 8, count: 10)
        #expect(abs(some.low - 0.4901625) < 1e-6 && abs(some.high - 0.9433178) < 1e-6)
        let none = Interval.wilson(hits: 0, count: 20)
        #expect(none.low == 0 && abs(none.high - 0.1611252) < 1e-6)
        #expect(Interval.wilson(hits: 20, count: 20).high == 1)
    }

    @Test func theBootstrapCoversTheTruth() throws {
        var random = SeededGenerator(5), covered = 0
        for trial in 0..<40 {
            // Thirty documents of one to nine tokens whose mean is 2.
            let counts = (0..<30).map { _ in 1 + Int(random.below(9)) }
            let values = counts.map { count in (0..<count).reduce(0.0) { sum, _ in sum + 4 * random.unit() } }
            let interval = try #require(
                Bootstrap.ratio(values, over: counts, units: Array(0..<30), seed: UInt64(trial)))
            covered += interval.low < 2 && 2 < interval.high ? 1 : 0
        }
        #expect((33...40).contains(covered))
        #expect(Bootstrap.ratio([1, 2], over: [1, 1], units: [0, 0], seed: 1) == nil)
    }

    @Test(
        arguments: [
            ("{\"question\": \"a\", \"choices\": [\"b\"], \"answer\": 0}", EvaluationJob.Task.multipleChoice),
            ("{\"question\": \"a\", \"choices\": [\"b\", \"c\"], \"answer\": 2}", .multipleChoice),
            ("{\"question\": \"a\", \"choices\": [\"b\", \"c\"]}", .multipleChoice),
            ("{\"choices\": [\"b\", \"c\"], \"answer\": 1}", .multipleChoice),
            ("{\"prompt\": \"a\"}", .exactMatch),
        ])
    func aBadQuestionIsNamed(_ line: String, _ task: EvaluationJob.Task) throws {
        var job = EvaluationJob(task: task)
        job.data = [try write("bad.jsonl", line)]
        let generator = try Self.generator(folder)
        let error = #expect(throws: UserError.self) { try job.run(generator, trainedOn: nil) }
        #expect(error?.description.contains("bad.jsonl") == true && error?.description.contains("not like") == true)
    }

    @Test func reportsAreKeptBesideTheirRunAlone() throws {
        let report = EvaluationReport(
            task: "recall", checkpoint: "c", step: 3, createdAt: 1.5, seconds: 2, settings: [:], axes: ["pairs"],
            intervals: "Wilson", points: [.init(at: ["pairs": 4], count: 8, measures: [.share("exact", 2, of: 8)])])
        let path = try EvaluationFiles.keep(report, folder: folder("run/checkpoints/step-00000003-e1/"))
        #expect(path == folder("run/evaluations/1500-recall.json"))
        #expect(try JSONFile.read(EvaluationReport.self, from: path ?? "") == report)
        #expect(try EvaluationFiles.keep(report, folder: folder("model")) == nil)
    }
}
