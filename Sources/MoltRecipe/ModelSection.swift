import MoltCore

/// The architecture. Names follow the field; sizes are in elements.
///
/// The family decides the names in checkpoints and nothing else: what is computed, the other keys say.
package struct ModelSection: Codable, Hashable, Sendable {
    package var family: Family = .nemotronH
    /// One letter a layer, see `LayerKind`; `|` cuts pipeline stages.
    package var pattern: LayerPattern
    package var hiddenSize: Int
    /// Nil: the tokenizer's size, padded to a multiple of 8.
    package var vocabularySize: Int?

    // MARK: Mamba-2 (M)

    /// Heads × head size is the inner width.
    package var mambaHeads: Int
    package var mambaHeadSize: Int = 64
    package var groups: Int = 1
    /// Numbers a channel remembers; of S4D (complex) twice as many as it has pairs.
    package var stateSize: Int = 128
    package var convolutionKernel: Int = 4
    package var chunkSize: Int = 128
    package var convolutionBias: Bool = true
    /// Biases of in_proj and out_proj.
    package var mambaBias: Bool = false
    /// The step after softplus is held between these; no upper bound when nil.
    package var stepMinimum: Double = 0
    package var stepMaximum: Double?
    /// Groups of the gated norm; as many as `groups` when nil.
    package var gatedNormGroups: Int?
    /// norm(y) · silu(z) in place of norm(y · silu(z)).
    package var normBeforeGate: Bool = false

    // MARK: Mamba-1 (1) and RG-LRU (R)

    /// Inner width of a Mamba-1 layer; twice the hidden size when nil.
    package var innerSize: Int?
    /// Rank of a Mamba-1 layer's step; a sixteenth of the hidden size, rounded up, when nil.
    package var stepRank: Int?
    package var recurrentWidth: Int = 0
    /// Blocks on the diagonal of the gates' weights.
    package var recurrentBlocks: Int = 1

    // MARK: Attention (* and, in a window, W)

    package var attentionHeads: Int = 0
    package var keyValueHeads: Int = 0
    package var attentionHeadSize: Int = 64
    /// Keys that a query of a W layer sees, its own included.
    package var window: Int = 0
    /// Biases of the projections to queries, keys and values, and of that back.
    package var attentionBias: Bool = false
    package var attentionOutputBias: Bool = false
    /// What scores are multiplied with; 1/√head size when nil.
    package var attentionScale: Double?
    /// c · tanh(score / c) in place of every score.
    package var attentionSoftcap: Double?
    /// Taps of a causal convolution over queries, keys and values; 0 for none.
    package var attentionConvolution: Int = 0
    /// The share of each head that rotary positions turn; 0 for no positions.
    package var rotaryShare: Double = 0
    package var rotaryBase: Double = 10_000
    package var rotaryScaling: RotaryScaling = .none
    package var rotaryFactor: Double = 1

    // MARK: MLP (-) and mixture of experts (E)

    package var feedForwardSize: Int = 0
    package var activation: Activation = .silu
    package var gatedMLP: Bool = false
    package var feedForwardBias: Bool = false
    package var experts: Int = 0
    package var expertsPerToken: Int = 0
    /// Width of each expert, and of the MLP that every token takes beside them; 0 for none.
    package var expertSize: Int = 0
    package var sharedExpertSize: Int = 0

    // MARK: The whole

    package var tiedEmbeddings: Bool = false
    package var normEpsilon: Double = 1e-5
    /// Norms multiply with 1 + weight.
    package var normPlusOne: Bool = false
    /// Keeps the residual stream in fp32 under bf16 autocast.
    package var residualInFP32: Bool = true
    package var initializerRange: Double = 0.02
    /// Granite's and Gemma's multipliers of the embeddings, and of what each layer adds to the stream.
    package var embeddingMultiplier: Double = 1
    package var residualMultiplier: Double = 1
    /// What scores of the vocabulary are divided by; then c · tanh(score / c), when a cap is set.
    package var logitsDivisor: Double = 1
    package var logitsSoftcap: Double?
    /// False replaces every mixer (all but MLPs and experts) by nothing: a control for experiments.
    package var mixersEnabled: Bool = true

    /// Taps that a layer can have: generation keeps the inputs before the last, and the kernels hold so many rows.
    package static let convolutionKernels = 2...16

    package enum Family: String, Codable, Sendable, CaseIterable {
        case mamba2
        case nemotronH = "nemotron_h"
        case bamba
        case granite = "granitemoehybrid"
        case recurrentGemma = "recurrent_gemma"
        case samba, mambaformer
        /// Any pattern, under the names of Nemotron-H.
        case hybrid
    }

    package enum Activation: String, Codable, Sendable, CaseIterable {
        case silu, gelu
        case geluTanh = "gelu_tanh"
        case squaredReLU = "relu2"
    }

    /// How rotary positions reach beyond the length of training, by `rotaryFactor`.
    package enum RotaryScaling: String, Codable, Sendable, CaseIterable {
        case none
        /// Positions are divided by the factor (Chen et al. 2023).
        case linear
        /// The base grows so that the slowest angle shrinks by the factor.
        case ntk
    }

    package init(pattern: LayerPattern, hiddenSize: Int, mambaHeads: Int) {
        self.pattern = pattern
        self.hiddenSize = hiddenSize
        self.mambaHeads = mambaHeads
    }
}

extension ModelSection {
    /// The inner width of a Mamba-1 layer, and the rank of its step.
    package var mamba1Width: Int { innerSize ?? hiddenSize.times(2) }
    package var mamba1Rank: Int { stepRank ?? hiddenSize.plus(15) / 16 }
}
