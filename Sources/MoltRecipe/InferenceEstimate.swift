package import MoltCore

/// What a run that generates or evaluates holds for as long as it computes, said before it is submitted. Activations,
/// which come and go, are not counted.
package struct InferenceEstimate: Hashable, Sendable, Codable {
    package var parameters: Int
    package var precision: Precision
    /// Bytes of the weights: 2 a parameter in bf16, else 4.
    package var weights: Double
    /// Texts that are written together, 0 where texts are only read; and tokens of each at most, without those of
    /// prompts that lie in a file.
    package var sequences: Int
    package var tokens: Int
    /// Bytes of their states, windows, keys and values; nil where only the files of the model are known.
    package var states: Double?

    package var total: Double { weights + (states ?? 0) }

    /// Nil for other tasks, and for a model that is not on this machine or lies in a layout that only the engine reads.
    package init?(_ recipe: Recipe) {
        let dtype: Precision?
        switch recipe.task {
        case .generate:
            guard let section = recipe.generation else { return nil }
            let texts = section.promptsFile == nil ? section.prompts.count.times(section.samples) : .max
            dtype = section.dtype
            sequences = min(section.batch, texts)
            // A token is a byte at least.
            tokens = section.tokensMax.plus(section.prompts.map(\.utf8.count).max() ?? 0)
        case .evaluate:
            guard let section = recipe.evaluation else { return nil }
            dtype = section.dtype
            (sequences, tokens) = section.task == .exactMatch ? (section.batch, section.tokensMax) : (0, 0)
        case .pretrain, .finetune, .prepare, .convert, .command: return nil
        }
        guard let model = StartModel(recipe) else { return nil }
        precision = dtype ?? (recipe.resources.gpusPerNode > 0 ? .bf16 : .fp32)
        parameters = model.parameters
        weights = Double(parameters) * (precision == .bf16 ? 2 : 4)
        states = model.section.map {
            Self.states(of: $0, sequences: sequences, tokens: tokens, isHalf: precision == .bf16)
        }
    }

    /// Bytes that `sequences` texts of so many tokens keep. States are fp32, those of S4D and DSS fp64; tails of
    /// convolutions, keys and values are of the type of products; keys and values get room in blocks.
    package static func states(of model: ModelSection, sequences: Int, tokens: Int, isHalf: Bool) -> Double {
        let blocks = (tokens.plus(Limits.keyBlockTokens - 1)) / Limits.keyBlockTokens
        let room = Double(blocks) * Double(Limits.keyBlockTokens), width = isHalf ? 2.0 : 4
        let one = model.pattern.layers.reduce(0.0) { sum, kind in
            let layer = LayerSize(kind, model, sequenceLength: tokens)
            return sum + layer.stateBytes(products: width) + layer.cache * width * room
        }
        return one * Double(sequences)
    }
}
