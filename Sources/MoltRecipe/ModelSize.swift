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
        let vocabulary = model.vocabularySize ?? Self.byteVocabulary
        let d = model.hiddenSize
        var parameters = vocabulary * d * (model.tiedEmbeddings ? 1 : 2) + d
        var flops = 2.0 * Double(d) * Double(vocabulary)
        for kind in model.pattern.layers {
            let layer = Self.layer(kind, model, sequenceLength: sequenceLength)
            parameters += layer.parameters
            flops += layer.flops
        }
        self.parameters = parameters
        flopsPerToken = 3 * flops
    }

    /// Parameters of one layer with its norm, and the FLOPs of its forward pass for one token.
    static func layer(
        _ kind: LayerKind, _ model: ModelSection, sequenceLength: Int
    ) -> (parameters: Int, flops: Double) {
        let d = model.hiddenSize
        switch kind {
        case .mamba:
            let inner = model.mambaHeads * model.mambaHeadSize, shared = 2 * model.groups * model.stateSize
            let projected = 2 * inner + shared + model.mambaHeads
            let parameters = d * projected + (inner + shared) * (model.convolutionKernel + 1)
                + 3 * model.mambaHeads + inner + inner * d + d
            let chunk = min(model.chunkSize, max(1, sequenceLength))
            let projections = 2 * d * (projected + inner), convolution = 2 * model.convolutionKernel * (inner + shared)
            let scan = 2 * chunk * model.stateSize * model.groups + 2 * chunk * inner + 4 * inner * model.stateSize
            return (parameters, Double(projections + convolution + scan))
        case .attention:
            let q = model.attentionHeads * model.attentionHeadSize, kv = model.keyValueHeads * model.attentionHeadSize
            let weights = d * (q + 2 * kv) + q * d
            return (weights + d, Double(2 * weights) + 2 * Double(sequenceLength) * Double(q))
        case .mlp:
            let weights = (model.gatedMLP ? 3 : 2) * d * model.feedForwardSize
            return (weights + d, Double(2 * weights))
        case .experts:
            return (0, 0)
        }
    }

    /// Shapes (in, out) of the linear maps of one layer by their names in checkpoints.
    static func linears(_ kind: LayerKind, _ model: ModelSection) -> [(name: String, from: Int, to: Int)] {
        let d = model.hiddenSize
        switch kind {
        case .mamba:
            let inner = model.mambaHeads * model.mambaHeadSize, shared = 2 * model.groups * model.stateSize
            return [("in_proj", d, 2 * inner + shared + model.mambaHeads), ("out_proj", inner, d)]
        case .attention:
            let q = model.attentionHeads * model.attentionHeadSize, kv = model.keyValueHeads * model.attentionHeadSize
            return [("q_proj", d, q), ("k_proj", d, kv), ("v_proj", d, kv), ("o_proj", q, d)]
        case .mlp:
            let f = model.feedForwardSize
            return [("up_proj", d, f), ("down_proj", f, d)] + (model.gatedMLP ? [("gate_proj", d, f)] : [])
        case .experts:
            return []
        }
    }
}
