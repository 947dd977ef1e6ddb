/// The architecture. Names follow the field; sizes are in elements.
package struct ModelSection: Codable, Hashable, Sendable {
    /// Which Hugging Face naming and defaults apply.
    package var family: Family = .nemotronH
    /// One letter a layer, Megatron's: `M` Mamba-2, `*` attention, `-` MLP, `E` mixture of experts; `|` cuts stages.
    package var pattern: LayerPattern
    package var hiddenSize: Int
    /// Nil: the tokenizer's size, padded to a multiple of 8.
    package var vocabularySize: Int?
    /// Mamba-2: heads × head size is the inner width.
    package var mambaHeads: Int
    package var mambaHeadSize: Int = 64
    package var groups: Int = 1
    package var stateSize: Int = 128
    package var convolutionKernel: Int = 4
    /// Taps that a layer can have: generation keeps the inputs before the last, and the kernels hold so many rows.
    package static let convolutionKernels = 2...16
    package var chunkSize: Int = 128
    package var attentionHeads: Int = 0
    package var keyValueHeads: Int = 0
    package var attentionHeadSize: Int = 64
    /// Width of the MLP layers.
    package var feedForwardSize: Int = 0
    package var activation: Activation = .silu
    package var gatedMLP: Bool = false
    package var tiedEmbeddings: Bool = false
    package var normEpsilon: Double = 1e-5
    /// Keeps the residual stream in fp32 under bf16 autocast.
    package var residualInFP32: Bool = true
    package var initializerRange: Double = 0.02
    /// False replaces every mixer (Mamba-2 and attention) by nothing: a control for experiments.
    package var mixersEnabled: Bool = true

    package enum Family: String, Codable, Sendable, CaseIterable {
        case mamba2
        case nemotronH = "nemotron_h"
    }

    package enum Activation: String, Codable, Sendable, CaseIterable {
        case silu, gelu
        case squaredReLU = "relu2"
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case family, pattern, groups, activation
        case hiddenSize = "hidden_size"
        case vocabularySize = "vocab_size"
        case mambaHeads = "mamba_heads"
        case mambaHeadSize = "mamba_head_dim"
        case stateSize = "state_size"
        case convolutionKernel = "conv_kernel"
        case chunkSize = "chunk_size"
        case attentionHeads = "attention_heads"
        case keyValueHeads = "kv_heads"
        case attentionHeadSize = "attention_head_dim"
        case feedForwardSize = "ffn_size"
        case gatedMLP = "gated_mlp"
        case tiedEmbeddings = "tied_embeddings"
        case normEpsilon = "norm_eps"
        case residualInFP32 = "residual_fp32"
        case initializerRange = "initializer_range"
        case mixersEnabled = "mixers"
    }

    package init(pattern: LayerPattern, hiddenSize: Int, mambaHeads: Int) {
        self.pattern = pattern
        self.hiddenSize = hiddenSize
        self.mambaHeads = mambaHeads
    }
}
