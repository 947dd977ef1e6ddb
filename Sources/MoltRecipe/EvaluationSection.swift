package import MoltCore

/// What `task: evaluate` asks the model of `init_from`; texts and questions are those of `data.validation`.
package struct EvaluationSection: Codable, Hashable, Sendable {
    package var task: Task
    /// Of a run: a step, `best` or `all`; nil for the newest.
    package var checkpoint: String?
    /// What is swept: pairs of a recall, entries of a phone book, tokens of a haystack. Empty: the task's own.
    package var sizes: [Int] = []
    /// Where in the haystack, from 0 to 1.
    package var depths: [Double] = [0, 0.25, 0.5, 0.75, 1]
    /// Questions or documents at most, 0 means all; of made tasks, sequences a point.
    package var samples: Int = 0
    package var seed: Int = 1
    /// Tokens that the model sees at once, and by how many its view moves on (perplexity); nil for half of them.
    package var sequenceLength: Int = 1024
    package var stride: Int?
    /// Stands between a question and each of its choices.
    package var delimiter: String = " "
    /// Tokens of an answer at most, and what ends it besides the end of a line (exact-match).
    package var tokensMax: Int = 64
    package var stop: [String] = []
    /// Answers that the model writes together.
    package var batch: Int = 16
    /// Of weights and products; nil for bf16 on a GPU, fp32 on CPUs.
    package var dtype: Precision?

    package enum Task: String, Codable, Sendable, CaseIterable {
        case perplexity
        case multipleChoice = "multiple-choice"
        case exactMatch = "exact-match"
        case phoneBook = "phone-book"
        case recall, needle

        /// Whether there is nothing to ask without files; the needle's haystack can be made.
        package var needsData: Bool {
            switch self {
            case .perplexity, .multipleChoice, .exactMatch: true
            case .phoneBook, .recall, .needle: false
            }
        }

        /// Whether it would read files if there were some.
        package var readsData: Bool { needsData || self == .needle }
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case task, checkpoint, sizes, depths, samples, seed, stride, delimiter, stop, batch, dtype
        case sequenceLength = "sequence_length"
        case tokensMax = "max_tokens"
    }

    package init(task: Task) {
        self.task = task
    }

    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> EvaluationSection? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "evaluation", section: EvaluationSection(task: .perplexity), keys: CodingKeys.self,
            problems: problems)
        reader.need(.task, \.task, .choice)
        reader.read(.checkpoint, \.checkpoint, .checkpoint)
        reader.read(.sizes, \.sizes, .list(.count(1...WorkLimits.evaluatedLength)))
        reader.read(.depths, \.depths, .list(.number(0...1, "a depth from 0, the beginning, to 1, the end")))
        reader.read(.samples, \.samples, .count(0...WorkLimits.promptsMax))
        reader.read(.seed, \.seed, .count(0...(1 << 53)))
        reader.read(.sequenceLength, \.sequenceLength, .count(2...WorkLimits.evaluatedLength))
        reader.read(.stride, \.stride, .count(1...WorkLimits.evaluatedLength))
        reader.read(.delimiter, \.delimiter, .argument)
        reader.read(.tokensMax, \.tokensMax, .count(1...WorkLimits.generatedTokensMax))
        reader.read(.stop, \.stop, .list(.stopText))
        reader.read(.batch, \.batch, .count(1...WorkLimits.batchMax))
        reader.read(.dtype, \.dtype, .choice)
        return reader.finished()
    }
}

extension Reading where Value == String {
    /// Which of a run's checkpoints.
    static var checkpoint: Reading {
        scalar("a step, best or all") { text, _ in
            text == "best" || text == "all" || Int(text).map { $0 >= 0 } ?? false ? text : nil
        }
    }

    /// What ends a text.
    static var stopText: Reading {
        scalar("a text of 1 to \(WorkLimits.stopBytesMax) bytes") { text, _ in
            (1...WorkLimits.stopBytesMax).contains(text.utf8.count) && !text.utf8.contains(0) ? text : nil
        }
    }
}
