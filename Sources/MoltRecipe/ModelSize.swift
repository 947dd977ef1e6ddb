import MoltCore

/// Counts of a hybrid model, from its shapes alone. Letters as in the field: d hidden size, H heads, P head size,
/// G groups, N state size, K convolution kernel, V vocabulary, f MLP width.
package struct ModelSize: Hashable, Sendable {
    /// Numbers in all tensors.
    package var parameters: Int
    /// Multiplications and additions to train on one token: forward once, backward twice as much.
    package var flopsPerToken: Double

    /// The embedded byte tokenizer's 256 bytes and its specials, padded to a multiple of 8.
    package static let byteVocabulary = 264

    package init(_ model: ModelSection, sequenceLength: Int) {
        let vocabulary = Double(model.vocabularySize ?? Self.byteVocabulary), d = Double(model.hiddenSize)
        var parameters = vocabulary * d * (model.tiedEmbeddings ? 1 : 2) + d
        var flops = 2 * d * vocabulary
        for kind in model.pattern.layers {
            let layer = Self.layer(kind, model, sequenceLength: sequenceLength)
            parameters += layer.parameters
            flops += layer.flops
        }
        self.parameters = Int(bounded: parameters)
        flopsPerToken = 3 * flops
    }

    /// Parameters of one layer with its norm, and the FLOPs of its forward pass for one token. Exact as far as a model
    /// can be: Doubles, because the product of the largest sizes that a recipe may name fits no Int.
    static func layer(
        _ kind: LayerKind, _ model: ModelSection, sequenceLength: Int
    ) -> (parameters: Double, flops: Double) {
        let d = Double(model.hiddenSize)
        switch kind {
        case .mamba:
            let heads = Double(model.mambaHeads), state = Double(model.stateSize), groups = Double(model.groups)
            let inner = heads * Double(model.mambaHeadSize), shared = 2 * groups * state
            let kernel = Double(model.convolutionKernel)
            let projected = 2 * inner + shared + heads
            let parameters = d * projected + (inner + shared) * (kernel + 1) + 3 * heads + inner + inner * d + d
            let chunk = Double(min(model.chunkSize, max(1, sequenceLength)))
            let projections = 2 * d * (projected + inner), convolution = 2 * kernel * (inner + shared)
            let scan = 2 * chunk * state * groups + 2 * chunk * inner + 4 * inner * state
            return (parameters, projections + convolution + scan)
        case .attention:
            let size = Double(model.attentionHeadSize)
            let q = Double(model.attentionHeads) * size, kv = Double(model.keyValueHeads) * size
            let weights = d * (q + 2 * kv) + q * d
            return (weights + d, 2 * weights + 2 * Double(sequenceLength) * q)
        case .mlp:
            let weights = (model.gatedMLP ? 3 : 2) * d * Double(model.feedForwardSize)
            return (weights + d, 2 * weights)
        case .experts:
            return (0, 0)
        }
    }

    /// Shapes (in, out) of the linear maps of one layer by their names in checkpoints.
    static func linears(_ kind: LayerKind, _ model: ModelSection) -> [(name: String, from: Int, to: Int)] {
        let d = model.hiddenSize
        switch kind {
        case .mamba:
            let inner = model.mambaHeads.times(model.mambaHeadSize)
            let shared = model.groups.times(model.stateSize).times(2)
            return [
                ("in_proj", d, inner.times(2).plus(shared).plus(model.mambaHeads)), ("out_proj", inner, d),
            ]
        case .attention:
            let q = model.attentionHeads.times(model.attentionHeadSize)
            let kv = model.keyValueHeads.times(model.attentionHeadSize)
            return [("q_proj", d, q), ("k_proj", d, kv), ("v_proj", d, kv), ("o_proj", q, d)]
        case .mlp:
            let f = model.feedForwardSize
            return [("up_proj", d, f), ("down_proj", f, d)] + (model.gatedMLP ? [("gate_proj", d, f)] : [])
        case .experts:
            return []
        }
    }
}
