package import MoltTensor

/// Depthwise causal convolution along the sequence, then SiLU or nothing: y_t = silu(b + Σ_k w_k x_{t−K+1+k}).
///
/// Shapes: b batch, s sequence, c channels, K taps. The tail is the last K − 1 inputs, [b, c, K − 1]: it continues a
/// sequence. Taps never reach over a document boundary.
package final class CausalConv1d {
    private static let operation = Operator("molt::causal_conv1d")

    package let weight: Parameter
    package let bias: Parameter?
    package let taps: Int
    package let activates: Bool

    package init(
        _ scope: ParameterScope, channels: Int, taps: Int, bias: Bool = true, activates: Bool = true,
        weights: Initializer? = nil, biases: Initializer? = nil
    ) throws(TorchError) {
        self.taps = taps
        self.activates = activates
        weight = try scope.parameter("weight", [channels, 1, taps], weights ?? .fanIn(taps))
        self.bias = bias
            ? try scope.parameter("bias", [channels], biases ?? .fanIn(taps), decays: false) : nil
    }

    /// - Parameters:
    ///   - sequenceIndex: [b, s], the document of each token.
    ///   - tail: the tail of what came before; it belongs to the first document.
    /// - Returns: the output, and the tail that continues it.
    package func callAsFunction(
        _ x_bsc: Tensor, sequenceIndex: Tensor? = nil, tail: Tensor? = nil
    ) throws(TorchError) -> (y_bsc: Tensor, tail_bck: Tensor) {
        guard x_bsc.hasKernels else {
            return try CausalConv1dReference.forward(
                x_bsc, weight: weight.value, bias: bias?.value, sequenceIndex: sequenceIndex, tail: tail,
                activates: activates)
        }
        let results = try Self.operation.results(
            x_bsc, weight.value.squeeze(1), bias?.value, sequenceIndex, tail, activates)
        return (try results.tensor(0), try results.tensor(1))
    }
}

/// The convolution as a sum of shifted products: slow and plain.
package enum CausalConv1dReference {
    package static func forward(
        _ x_bsc: Tensor, weight: Tensor, bias: Tensor?, sequenceIndex: Tensor?, tail: Tensor?, activates: Bool = true
    ) throws(TorchError) -> (y_bsc: Tensor, tail_bck: Tensor) {
        let batch = x_bsc.size(0), length = x_bsc.size(1), channels = x_bsc.size(2)
        let taps = weight.size(2)
        let padded = try preceded(x_bsc, by: tail, taps - 1)
        let shape = [batch, length, channels]
        var sum = if let bias { try bias.expand(shape) } else { try Tensor.zeros(shape, like: x_bsc) }
        for tap in 0..<taps {
            let back = taps - 1 - tap
            var shifted = try padded.narrow(1, from: tap, length: length)
            if let sequenceIndex, back > 0 {
                shifted = try shifted * sameDocument(sequenceIndex, back: back).to(x_bsc.dtype)
            }
            sum = try sum + shifted * weight.select(1, 0).select(1, tap)
        }
        let after = try padded.narrow(1, from: length, length: taps - 1).transpose(1, 2)
        return (try (activates ? sum.silu() : sum).to(x_bsc.dtype), after)
    }

    /// The sequence after its tail, or after `count` zeros.
    private static func preceded(_ x_bsc: Tensor, by tail: Tensor?, _ count: Int) throws(TorchError) -> Tensor {
        if let tail { return try Tensor.cat([tail.transpose(1, 2).to(x_bsc.dtype), x_bsc], dim: 1) }
        return try Tensor.cat([Tensor.zeros([x_bsc.size(0), count, x_bsc.size(2)], like: x_bsc), x_bsc], dim: 1)
    }

    /// [b, s, 1]: whether the position `back` steps before belongs to the same document. Positions before the
    /// sequence belong to the document of its first token.
    private static func sameDocument(_ index_bs: Tensor, back: Int) throws(TorchError) -> Tensor {
        let batch = index_bs.size(0), length = index_bs.size(1)
        let first = try index_bs.narrow(1, from: 0, length: 1).expand([batch, back])
        let shifted = try Tensor.cat([first, index_bs], dim: 1).narrow(1, from: 0, length: length)
        return try (shifted .== index_bs).unsqueeze(-1)
    }
}
