package import MoltCore
import MoltModels
import MoltRecipe

/// Everything that one call of `generate` is asked for.
package struct GenerationJob: Sendable {
    package var prompts: [PromptFile.Line] = []
    package var tokensMax = 200
    /// See `Sampler.Settings`.
    package var temperature = 0.8
    package var topK: Int?
    package var topP = 1.0
    package var minP = 0.0
    package var repetitionPenalty = 1.0
    package var seed: UInt64 = 1
    /// Texts of each prompt.
    package var samples = 1
    package var stops: [String] = []
    /// Texts that the model continues together.
    package var batch = 16

    package init() {}

    private var sampling: Sampler.Settings {
        Sampler.Settings(
            temperature: temperature, topK: topK, topP: topP, minP: minP, repetitionPenalty: repetitionPenalty)
    }

    /// One text as a line of JSON.
    package struct Record: Codable, Sendable {
        /// Numbers of the prompt and of its text, from 0.
        package var prompt: Int
        package var sample: Int
        package var id: String?
        package var text: String
        package var finish: GenerationResult.Finish
        package var promptTokens: Int
        package var tokens: [Int32]
        package var seed: UInt64
    }

    /// Refuses what cannot be, before a model is loaded.
    package func check() throws(UserError) {
        if let problem = sampling.problem { throw UserError(problem, at: "generate") }
        func range(_ name: String, _ value: Int, _ bounds: ClosedRange<Int>) throws(UserError) {
            guard bounds.contains(value) else {
                throw UserError("\(name) must be from \(bounds.lowerBound) to \(bounds.upperBound)", at: "generate")
            }
        }
        try range("--max-tokens", tokensMax, 0...WorkLimits.generatedTokensMax)
        try range("--num-samples", samples, 1...WorkLimits.samplesMax)
        try range("--batch", batch, 1...WorkLimits.batchMax)
        let lengths = 1...WorkLimits.stopBytesMax
        guard stops.count <= WorkLimits.stopsMax, stops.allSatisfy({ lengths.contains($0.utf8.count) }) else {
            throw UserError(
                "at most \(WorkLimits.stopsMax) stop strings of 1 to \(WorkLimits.stopBytesMax) bytes can be given",
                at: "--stop")
        }
        guard !prompts.isEmpty else { throw UserError("there is nothing to continue", at: "--prompt") }
    }

    /// The requests in the order of their records.
    func requests() -> [GenerationRequest] {
        prompts.flatMap { line in
            (0..<samples).map { number in
                GenerationRequest(
                    prompt: Array(line.prompt.utf8), tokensMax: tokensMax, sampling: sampling,
                    seed: GenerationRequest.seed(line.seed ?? seed, sample: number),
                    stops: stops.map { Array($0.utf8) })
            }
        }
    }

    /// Continues everything, `batch` texts at a time.
    /// - Parameters:
    ///   - first: the text to begin with, a multiple of `batch`: those before it were made by an earlier call.
    ///   - grown: gets the number of a text and what it has grown by; false ends it.
    ///   - done: gets each text in order, once those before it are there.
    package func run(
        _ generator: TextGenerator, from first: Int = 0, grown: (Int, [UInt8]) -> Bool = { _, _ in true },
        done: (Record) throws -> Void = { _ in }
    ) throws -> GenerationSpeed {
        let requests = requests()
        var speed = GenerationSpeed()
        for start in stride(from: first, to: requests.count, by: batch) {
            let part = Array(requests[start..<min(start + batch, requests.count)])
            let results = try generator.generate(part, speed: &speed) { grown(start + $0, $1) }
            for (offset, result) in results.enumerated() {
                let number = start + offset
                try done(
                    Record(
                        prompt: number / samples, sample: number % samples, id: prompts[number / samples].id,
                        text: String(decoding: result.text, as: UTF8.self), finish: result.finish,
                        promptTokens: result.promptTokens, tokens: result.tokens, seed: requests[number].seed))
            }
        }
        return speed
    }
}
