package import MoltCore

/// What `task: generate` lets the model of `init_from` continue, and how.
package struct GenerationSection: Codable, Hashable, Sendable {
    package var prompts: [String] = []
    /// JSONL, each line `{"prompt": …}`, where wanted with an `id` and a `seed`.
    package var promptsFile: String?
    package var tokensMax: Int = 200
    /// 0 always takes the likeliest token.
    package var temperature: Double = 0.8
    package var topK: Int?
    package var topP: Double = 1
    package var minP: Double = 0
    package var repetitionPenalty: Double = 1
    package var stop: [String] = []
    package var seed: Int = 1
    /// Texts of each prompt.
    package var samples: Int = 1
    /// Texts that the model continues together.
    package var batch: Int = 16
    /// Of weights and products; nil for bf16 on a GPU, fp32 on CPUs.
    package var dtype: Precision?
    /// A file of JSON lines, one a text; nil for `generated.jsonl` in the run's folder.
    package var out: String?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case prompts, temperature, stop, seed, batch, dtype, out
        case promptsFile = "prompts_file"
        case tokensMax = "max_tokens"
        case topK = "top_k"
        case topP = "top_p"
        case minP = "min_p"
        case repetitionPenalty = "repetition_penalty"
        case samples = "num_samples"
    }

    package init() {}

    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> GenerationSection? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "generation", section: GenerationSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.prompts, \.prompts, .list(.argument))
        reader.read(.promptsFile, \.promptsFile, .path)
        reader.read(.tokensMax, \.tokensMax, .count(0...WorkLimits.generatedTokensMax))
        reader.read(.temperature, \.temperature, .number(0...1e6, "a number of at least 0"))
        reader.read(.topK, \.topK, .count(1...(1 << 31)))
        reader.read(.topP, \.topP, .number(.leastNormalMagnitude...1, "a number above 0 and at most 1"))
        reader.read(.minP, \.minP, .number(0...1, "a number from 0 to 1"))
        reader.read(
            .repetitionPenalty, \.repetitionPenalty, .number(.leastNormalMagnitude...1e6, "a number above 0"))
        reader.read(.stop, \.stop, .list(.stopText))
        reader.read(.seed, \.seed, .count(0...(1 << 53)))
        reader.read(.samples, \.samples, .count(1...WorkLimits.samplesMax))
        reader.read(.batch, \.batch, .count(1...WorkLimits.batchMax))
        reader.read(.dtype, \.dtype, .choice)
        reader.read(.out, \.out, .path)
        return reader.finished()
    }
}
