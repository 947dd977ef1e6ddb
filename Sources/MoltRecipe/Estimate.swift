import MoltCore

/// What a run will take, said before it is submitted.
package struct Estimate: Hashable, Sendable, Codable {
    package var parameters: Int
    package var trainableParameters: Int
    package var steps: Int
    package var tokens: Int
    package var flopsPerToken: Double
    /// Bytes at the peak of a step, for one rank.
    package var memoryPerRank: Memory

    /// Where the bytes go.
    package struct Memory: Hashable, Sendable, Codable {
        package var weights: Double
        package var gradients: Double
        package var optimizer: Double
        package var activations: Double
        /// Program, libraries, allocator and thread buffers.
        package var runtime: Double

        /// What is there before the first token.
        package var held: Double { weights + gradients + optimizer }

        package var total: Double { weights + gradients + optimizer + activations + runtime }
    }

    /// Nil for a recipe that does not train or whose model is only known from `init_from`.
    package init?(_ recipe: Recipe) {
        guard let model = recipe.model, let data = recipe.data, let steps = recipe.plannedSteps,
            let memory = Memory(recipe)
        else { return nil }
        let size = ModelSize(model, sequenceLength: data.sequenceLength)
        parameters = size.parameters
        trainableParameters = AdapterSize.trainable(recipe.method, model, of: size.parameters)
        self.steps = steps
        tokens = steps.times(recipe.tokensPerStep)
        flopsPerToken = size.flopsPerToken
        memoryPerRank = memory
    }
}

extension Estimate.Memory {
    /// How a model is cut: into stages of layers, its matrices over ranks; `data` ranks share the optimizer's state.
    package struct Split: Hashable, Sendable, Codable {
        package var tensor = 1
        package var pipeline = 1
        package var data = 1

        package init() {}
    }

    /// What a recipe takes of each rank, its length left aside. Nil for one that does not train or whose model is only
    /// known from `init_from`.
    ///
    /// A preference pair is two sequences, and what all weights' training is measured from is a second model.
    package init?(_ recipe: Recipe) {
        guard recipe.trains, let model = recipe.model, let data = recipe.data else { return nil }
        let parameters = ModelSize(model, sequenceLength: data.sequenceLength).parameters
        self.init(
            model, parameters: parameters, trainable: AdapterSize.trainable(recipe.method, model, of: parameters),
            isHalf: recipe.train.precision == .bf16,
            microBatch: recipe.train.microBatch.times(recipe.prefers ? 2 : 1), sequenceLength: data.sequenceLength)
        if recipe.prefers, !recipe.method.type.adapts {
            weights += (recipe.train.precision == .bf16 ? 2 : 4) * Double(parameters)
        }
    }

    /// Weights, gradients and AdamW's two moments are fp32 (4, 4 and 8 bytes a parameter); bf16 adds a 2-byte copy of
    /// the weights that autocast keeps during a step, and what adapters stand on is held in it alone. Activations are
    /// what backward needs, `Activations` counts them; a stage holds those of as many micro-batches as there are
    /// stages, so that cutting into stages saves none.
    package init(
        _ model: ModelSection, parameters: Int, trainable: Int, isHalf: Bool, microBatch: Int, sequenceLength: Int,
        split: Split = Split()
    ) {
        let tokens = Double(microBatch) * Double(sequenceLength)
        let parts = Double(split.tensor) * Double(split.pipeline)
        let all = Double(parameters) / parts, trained = Double(trainable) / parts
        let own = isHalf ? 6.0 : 4, frozen = isHalf ? 2.0 : 4
        self.init(
            weights: trainable < parameters ? all * frozen + trained * own : all * own,
            gradients: trained * 4, optimizer: trained * 8 / Double(split.data),
            activations: tokens * Activations.bytesPerToken(model, isHalf: isHalf, sequenceLength: sequenceLength)
                * (isHalf ? 1 : Activations.fragmentation) / Double(split.tensor),
            runtime: Activations.runtime)
    }
}

/// Bytes that backward needs for one token, by kind of layer, in the engine as it is.
///
/// For each linear map its input is kept, in the compute type (w bytes: 4, or 2 under bf16); norms keep their fp32
/// input; the convolution its output; the scan one fp32 state a chunk; the gated norm its fp32 input and its output.
/// Measured on CPUs (peak resident size of a step, 1,024 to 8,192 tokens, 1.8 to 16 M parameters): within 8 % in fp32,
/// 15 % in bf16.
enum Activations {
    static let runtime = 170.0 * 1_048_576
    /// What malloc cannot hand out again between blocks that live, in fp32: a sixth of the activations, measured.
    static let fragmentation = 1.16

    static func bytesPerToken(_ model: ModelSection, isHalf: Bool, sequenceLength: Int) -> Double {
        let w = isHalf ? 2.0 : 4.0
        let d = Double(model.hiddenSize)
        var bytes = 4 * d * 3 + w * d
        for kind in model.pattern.layers { bytes += layer(kind, model, w: w, sequenceLength: sequenceLength) }
        return bytes
    }

    private static func layer(_ kind: LayerKind, _ model: ModelSection, w: Double, sequenceLength: Int) -> Double {
        let d = Double(model.hiddenSize)
        let residual = 4 * d + 4 * d + w * d
        let chunk = Double(min(model.chunkSize, max(1, sequenceLength)))
        switch kind {
        case .mamba:
            let inner = Double(model.mambaHeads) * Double(model.mambaHeadSize)
            let shared = 2 * Double(model.groups) * Double(model.stateSize), heads = Double(model.mambaHeads)
            let projected = w * (2 * inner + shared + heads)
            let convolution = w * (inner + shared)
            let states = 4 * inner * Double(model.stateSize) / chunk
            let gate = 4 * inner + w * inner
            return residual + projected + convolution + states + gate + 4 * heads * 2
        case .attention, .window:
            let q = Double(model.attentionHeads) * Double(model.attentionHeadSize)
            let kv = Double(model.keyValueHeads) * Double(model.attentionHeadSize)
            return residual + w * (2 * q + 2 * kv) + 4 * Double(model.attentionHeads)
        case .mlp:
            let f = Double(model.feedForwardSize)
            return residual + (w + 4) * f * (model.gatedMLP ? 2 : 1)
        case .experts:
            let chosen = Double(model.expertsPerToken)
            let f = chosen * Double(model.expertSize) + Double(model.sharedExpertSize)
            return residual + (w + 4) * 2 * f + 2 * w * d * chosen + 8 * Double(model.experts)
        case .recurrent:
            return residual + Double(model.recurrentWidth) * (6 * w + 8)
        case .mamba1:
            let inner = Double(model.mamba1Width), state = Double(model.stateSize)
            return residual + inner * (6 * w + 4) + 4 * inner * state / chunk
        case .s4d, .dss:
            return residual + 4 * d * 6
        }
    }
}
