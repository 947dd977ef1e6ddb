import FoundationEssentials
import MoltCore
import MoltData

/// A line of a file of questions; what it needs depends on the task.
package struct Question: Decodable, Equatable, Sendable {
    package var text: String
    package var choices: [String]
    /// Of a multiple choice: the number of the right one, from 0.
    package var right: Int?
    /// Of an exact match: any of these is right.
    package var answers: [String]

    enum CodingKeys: String, CodingKey { case question, prompt, choices, answer, answers }

    package init(from decoder: any Decoder) throws {
        let line = try decoder.container(keyedBy: CodingKeys.self)
        text = try line.decodeIfPresent(String.self, forKey: .question) ?? line.decode(String.self, forKey: .prompt)
        choices = try line.decodeIfPresent([String].self, forKey: .choices) ?? []
        answers = try line.decodeIfPresent([String].self, forKey: .answers) ?? []
        if let number = try? line.decodeIfPresent(Int.self, forKey: .answer) {
            right = number
        } else if let word = try line.decodeIfPresent(String.self, forKey: .answer) {
            answers.append(word)
            right = choices.firstIndex(of: word) ?? Self.number(ofLetter: word)
        }
    }

    private static func number(ofLetter word: String) -> Int? {
        guard let byte = word.utf8.first, word.utf8.count == 1 else { return nil }
        return (65...90).contains(byte) ? Int(byte) - 65 : nil
    }
}

extension EvaluationJob {
    private func questions(_ what: String, _ isWhole: (Question) -> Bool) throws(UserError) -> [Question] {
        var all: [Question] = []
        for path in try DataPaths.resolve(data, key: dataKey) {
            let lines = try JSONLines.read(path, key: dataKey, what: what, as: Question.self)
            if let bad = lines.firstIndex(where: { !isWhole($0) }) {
                throw UserError("line \(bad + 1) is not like \(what)", at: DisplayText.escaped(path))
            }
            all += lines
        }
        return samples > 0 ? Array(all.prefix(samples)) : all
    }

    /// The choice that the model finds most likely after the question, as it is and divided by its length in bytes.
    func multipleChoice(_ generator: TextGenerator, _ report: inout EvaluationReport) throws {
        let questions = try questions("{\"question\": …, \"choices\": […, …], \"answer\": 0}") { question in
            question.choices.count > 1 && question.choices.allSatisfy { !$0.isEmpty }
                && question.right.map(question.choices.indices.contains) ?? false
        }
        let rows = try questions.flatMap { question in
            try question.choices.map { try row(question.text, delimiter + $0, generator) }
        }
        let sums = try scores(generator, rows).map { $0.logProbabilities.reduce(0, +) }
        var raw = 0, normalized = 0, start = 0
        for question in questions {
            let mine = Array(sums[start..<start + question.choices.count])
            start += question.choices.count
            let perByte = zip(mine, question.choices).map { $0 / Double($1.utf8.count) }
            raw += Self.best(mine) == question.right ? 1 : 0
            normalized += Self.best(perByte) == question.right ? 1 : 0
        }
        report.points = [
            .init(
                count: questions.count,
                measures: [
                    .share("accuracy", raw, of: questions.count),
                    .share("accuracy_per_byte", normalized, of: questions.count),
                ])
        ]
    }

    /// What the model answers by itself, compared with what is right, blanks around either left out.
    func exactMatch(_ generator: TextGenerator, _ report: inout EvaluationReport) throws {
        let questions = try questions("{\"prompt\": …, \"answer\": \"…\"}") { !$0.answers.isEmpty }
        var hits = 0, speed = GenerationSpeed()
        for start in Swift.stride(from: 0, to: questions.count, by: batch) {
            let part = questions[start..<min(start + batch, questions.count)]
            let requests = part.map {
                GenerationRequest(
                    prompt: Array($0.text.utf8), tokensMax: tokensMax, stops: stops.map { Array($0.utf8) })
            }
            let results = try generator.generate(requests, speed: &speed)
            for (question, result) in zip(part, results) {
                let answer = Self.trimmed(String(decoding: result.text, as: UTF8.self))
                hits += question.answers.contains { Self.trimmed($0) == answer } ? 1 : 0
            }
        }
        report.settings["max_tokens"] = "\(tokensMax)"
        report.points = [.init(count: questions.count, measures: [.share("exact", hits, of: questions.count)])]
    }

    /// A text and what may follow it, split where the tokens of the text alone end: tokens may reach over the seam.
    private func row(_ text: String, _ choice: String, _ generator: TextGenerator) throws -> Scorer.Row {
        let head = try generator.tokens(ofPrompt: Array(text.utf8))
        let whole = try generator.tokens(ofPrompt: Array((text + choice).utf8))
        let seam = max(1, min(head.count, whole.count - 1))
        return Scorer.Row(tokens: whole, scored: [seam..<whole.count])
    }

    private static func best(_ scores: [Double]) -> Int? {
        scores.indices.max { (scores[$0], $1) < (scores[$1], $0) }
    }

    private static func trimmed(_ text: String) -> String {
        let blanks: Set<Character> = [" ", "\n", "\t", "\r", "\r\n"]
        return String(text.drop(while: blanks.contains).reversed().drop(while: blanks.contains).reversed())
    }
}
