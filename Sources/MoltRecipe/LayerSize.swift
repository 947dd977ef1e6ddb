import MoltCore

/// Counts of one layer with its norm. Doubles, exact as far as a model can be: the product of the largest sizes that a
/// recipe may name fits no Int. Letters as in `ModelSize`; w the width of an RG-LRU, e experts.
struct LayerSize: Hashable, Sendable {
    var parameters: Double
    /// Of them, what one token uses; fewer than all where a router chooses.
    var active: Double
    /// Multiplications and additions of the forward pass for one token.
    var flops: Double
    /// Numbers kept of a sequence of any length.
    var state: Double = 0
    /// Of those, what is kept in the type of products: tails of convolutions, keys and values of a window.
    var narrow: Double = 0
    /// Bytes of each of the others.
    var wide: Double = 4
    /// Numbers kept of every token.
    var cache: Double = 0

    /// Bytes of the state where products are in a type of so many.
    func stateBytes(products: Double) -> Double { (state - narrow) * wide + narrow * products }

    init(_ kind: LayerKind, _ model: ModelSection, sequenceLength: Int) {
        switch kind {
        case .mamba: self = .mamba2(model, sequenceLength)
        case .attention: self = .attention(model, keys: Double(sequenceLength))
        case .window:
            let length = Double(max(1, sequenceLength)), window = min(Double(max(1, model.window)), length)
            self = .attention(model, keys: 2 * window - window * window / length, keeping: model.window)
        case .mlp: self = .mlp(model)
        case .experts: self = .experts(model)
        case .recurrent: self = .recurrent(model)
        case .mamba1: self = .mamba1(model)
        case .s4d, .dss: self = .diagonal(kind, model)
        }
    }

    /// - Parameters:
    ///   - weights: of products with one token, biases left out.
    ///   - small: all other parameters, but for the norm before the layer.
    ///   - state: numbers of the recurrence, in fp32.
    ///   - tail: numbers of the convolution's last inputs.
    private init(
        _ model: ModelSection, weights: Double, small: Double, beside: Double, state: Double = 0, tail: Double = 0
    ) {
        parameters = weights + small + Double(model.hiddenSize)
        active = parameters
        flops = 2 * weights + beside
        self.state = state + tail
        narrow = tail
    }

    private static func mamba2(_ model: ModelSection, _ sequenceLength: Int) -> LayerSize {
        let d = Double(model.hiddenSize), heads = Double(model.mambaHeads), n = Double(model.stateSize)
        let inner = heads * Double(model.mambaHeadSize), groups = Double(model.groups)
        let convolved = inner + 2 * groups * n, taps = Double(model.convolutionKernel)
        let projected = inner + convolved + heads
        let biases = (model.convolutionBias ? convolved : 0) + (model.mambaBias ? projected + d : 0)
        let chunk = Double(min(model.chunkSize, max(1, sequenceLength)))
        let scan = 2 * chunk * n * groups + 2 * chunk * inner + 4 * inner * n
        return LayerSize(
            model, weights: d * projected + inner * d, small: convolved * taps + biases + 3 * heads + inner,
            beside: 2 * taps * convolved + scan, state: inner * n, tail: convolved * (taps - 1))
    }

    /// - Parameters:
    ///   - keys: twice as many as a token meets on average.
    ///   - keeping: tokens whose keys and values are kept; nil for all.
    private static func attention(_ model: ModelSection, keys: Double, keeping: Int? = nil) -> LayerSize {
        let d = Double(model.hiddenSize), size = Double(model.attentionHeadSize)
        let q = Double(model.attentionHeads) * size, kv = Double(model.keyValueHeads) * size
        let taps = Double(model.attentionConvolution)
        let biases = (model.attentionBias ? q + 2 * kv : 0) + (model.attentionOutputBias ? d : 0)
        var layer = LayerSize(
            model, weights: d * (q + 2 * kv) + q * d,
            small: biases + (taps > 0 ? (q + 2 * kv) * (taps + 1) : 0),
            beside: 2 * keys * q + 2 * taps * (q + 2 * kv))
        if let keeping { layer.state = 2 * kv * Double(keeping) } else { layer.cache = 2 * kv }
        if taps > 0 { layer.state += (q + 2 * kv) * (taps - 1) }
        layer.narrow = layer.state
        return layer
    }

    private static func mlp(_ model: ModelSection) -> LayerSize {
        let d = Double(model.hiddenSize), f = Double(model.feedForwardSize), inputs = model.gatedMLP ? 2.0 : 1
        let biases = model.feedForwardBias ? inputs * f + d : 0
        return LayerSize(model, weights: (inputs + 1) * d * f, small: biases, beside: 0)
    }

    private static func experts(_ model: ModelSection) -> LayerSize {
        let d = Double(model.hiddenSize), e = Double(model.experts)
        let one = 3 * d * Double(model.expertSize), shared = 3 * d * Double(model.sharedExpertSize)
        let used = Double(model.expertsPerToken) * one
        var layer = LayerSize(model, weights: used + shared + e * d, small: 0, beside: 0)
        layer.parameters += e * one - used
        return layer
    }

    private static func recurrent(_ model: ModelSection) -> LayerSize {
        let d = Double(model.hiddenSize), w = Double(model.recurrentWidth), taps = Double(model.convolutionKernel)
        let gates = 2 * w * w / Double(max(1, model.recurrentBlocks))
        return LayerSize(
            model, weights: 3 * d * w + gates, small: 2 * w + d + w * (taps + 1) + 3 * w,
            beside: 2 * taps * w + 12 * w, state: w, tail: w * (taps - 1))
    }

    private static func mamba1(_ model: ModelSection) -> LayerSize {
        let d = Double(model.hiddenSize), inner = Double(model.mamba1Width), n = Double(model.stateSize)
        let rank = Double(model.mamba1Rank), taps = Double(model.convolutionKernel)
        let biases = inner + (model.convolutionBias ? inner : 0) + (model.mambaBias ? 2 * inner + d : 0)
        return LayerSize(
            model, weights: d * 2 * inner + inner * (rank + 2 * n) + rank * inner + inner * d,
            small: inner * taps + biases + inner * n + inner,
            beside: 2 * taps * inner + 9 * inner * n, state: inner * n, tail: inner * (taps - 1))
    }

    /// The convolution costs as many products as its recurrence would, whichever way it is taken. Its state is a real
    /// and an imaginary part for each mode, in fp64.
    private static func diagonal(_ kind: LayerKind, _ model: ModelSection) -> LayerSize {
        let d = Double(model.hiddenSize), n = Double(model.stateSize)
        let small = kind == .s4d ? 2 * d + 2 * d * n : 2 * d + 2 * n + 2 * d * n
        var layer = LayerSize(
            model, weights: 2 * d * d, small: small + 2 * d, beside: 8 * d * n, state: kind == .s4d ? d * n : 2 * d * n)
        layer.wide = 8
        return layer
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
        case .attention, .window:
            let q = model.attentionHeads.times(model.attentionHeadSize)
            let kv = model.keyValueHeads.times(model.attentionHeadSize)
            if model.family == .mamba2 { return [("in_proj", d, q.plus(kv.times(2))), ("out_proj", q, d)] }
            return [("q_proj", d, q), ("k_proj", d, kv), ("v_proj", d, kv), ("o_proj", q, d)]
        case .mlp:
            let f = model.feedForwardSize
            if model.family == .granite { return [("input_linear", d, f.times(2)), ("output_linear", f, d)] }
            return [("up_proj", d, f), ("down_proj", f, d)] + (model.gatedMLP ? [("gate_proj", d, f)] : [])
        case .experts:
            let f = model.sharedExpertSize
            return f > 0 ? [("input_linear", d, f.times(2)), ("output_linear", f, d)] : []
        case .recurrent:
            let w = model.recurrentWidth
            return [("linear_x", d, w), ("linear_y", d, w), ("linear_out", w, d)]
        case .mamba1:
            let inner = model.mamba1Width, rank = model.mamba1Rank
            return [
                ("in_proj", d, inner.times(2)), ("x_proj", inner, rank.plus(model.stateSize.times(2))),
                ("dt_proj", rank, inner), ("out_proj", inner, d),
            ]
        case .s4d, .dss:
            return [("output_linear", d, d.times(2))]
        }
    }
}
