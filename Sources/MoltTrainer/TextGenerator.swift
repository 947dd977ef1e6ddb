import MoltCore
import MoltData
import MoltModels
import MoltTensor

/// Continues a prompt with a trained model; its memory does not grow with Mamba-2 layers alone, and never reads a token
/// twice.
package struct TextGenerator {
    let model: HybridModel
    let tokenizer: any Tokenizer

    package init(_ source: CheckpointSource) throws {
        tokenizer = try Tokenizers.named(source.manifest.state[StateKey.tokenizer] ?? "bytes")
        model = try ModelLoader.model(of: source)
    }

    /// How the next token is chosen; a temperature of zero always takes the best.
    package struct Choice: Sendable {
        package var temperature: Double
        package var topK: Int?
        package var topP: Double
        package var seed: UInt64

        package init(temperature: Double, topK: Int? = nil, topP: Double = 1, seed: UInt64 = 1) {
            self.temperature = temperature
            self.topK = topK
            self.topP = topP
            self.seed = seed
        }
    }

    /// - Parameter emit: gets the bytes of each token as it is chosen; false ends the text.
    /// - Returns: the number of tokens generated.
    @discardableResult
    package func generate(
        prompt: [UInt8], tokensMax: Int, choice: Choice, emit: ([UInt8]) -> Bool
    ) throws -> Int {
        var sampler = Sampler(
            temperature: choice.temperature, topK: choice.topK, topP: choice.topP, seed: choice.seed)
        let state = model.generationState()
        var input = [Int64(tokenizer.specials.begin)] + tokenizer.encode(prompt[...]).map(Int64.init)
        for count in 0..<min(tokensMax, Limits.generatedTokensMax) {
            let scores = try model.step(Tensor(input, shape: [1, input.count]), state)
            let token = Int32(sampler.choose(allowed(try scores.array(of: Float.self))))
            guard token != tokenizer.specials.end, emit(tokenizer.decode([token])) else { return count }
            input = [Int64(token)]
        }
        return min(tokensMax, Limits.generatedTokensMax)
    }

    /// Ids that stand for no text can be scored, but not chosen.
    private func allowed(_ scores: [Float]) -> [Float] {
        var scores = scores
        let specials = tokenizer.specials
        for id in scores.indices
        where id >= tokenizer.vocabularySize || id == Int(specials.begin) || id == Int(specials.padding) {
            scores[id] = -.infinity
        }
        return scores
    }
}
