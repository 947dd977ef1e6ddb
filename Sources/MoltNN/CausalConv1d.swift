package import MoltTensor

/// Depthwise causal convolution along the sequence, then SiLU: y_t = silu(b + Σ_k w_k x_{t−K+1+k}).
///
/// Shapes: b batch, s sequence, c channels, K taps. The tail is the last K − 1 inputs, [b, K − 1, c]: it continues a
/// sequence. Taps never reach over a document boundary.
package final class CausalConv1d {
    package let weight: Parameter
    package let bias: Parameter
    package let taps: Int

    package init(_ scope: ParameterScope, channels: Int, taps: Int) throws(TorchError) {
        self.taps = taps
        weight = try scope.parameter("weight", [channels, 1, taps], .fanIn(taps))
        bias = try scope.parameter("bias", [channels], .fanIn(taps), decays: false)
    }

    package func callAsFunction(
        _ x_bsc: Tensor, sequenceIndex: Tensor?, tail: Tensor? = nil
    ) throws(TorchError) -> Tensor {
        try CausalConv1dReference.forward(
            x_bsc, weight: weight.value, bias: bias.value, sequenceIndex: sequenceIndex, tail: tail)
    }

    /// The tail after `x_bsc`, given the tail before it.
    package func tail(after x_bsc: Tensor, from tail: Tensor?) throws(TorchError) -> Tensor {
        let length = x_bsc.shape[1]
        return try CausalConv1dReference.preceded(x_bsc, by: tail, taps - 1).narrow(1, from: length, length: taps - 1)
    }
}

/// The convolution as a sum of shifted products: slow and plain.
package enum CausalConv1dReference {
    package static func forward(
        _ x_bsc: Tensor, weight: Tensor, bias: Tensor, sequenceIndex: Tensor?, tail: Tensor?
    ) throws(TorchError) -> Tensor {
        let batch = x_bsc.shape[0], length = x_bsc.shape[1], channels = x_bsc.shape[2]
        let taps = weight.shape[2]
        let padded = try preceded(x_bsc, by: tail, taps - 1)
        var sum = try bias.expand([batch, length, channels])
        for tap in 0..<taps {
            let back = taps - 1 - tap
            var shifted = try padded.narrow(1, from: tap, length: length)
            if let sequenceIndex, back > 0 {
                shifted = try shifted * sameDocument(sequenceIndex, back: back).to(x_bsc.dtype)
            }
            sum = try sum + shifted * weight.select(1, 0).select(1, tap)
        }
        return try sum.silu()
    }

    /// The sequence after its tail, or after `count` zeros.
    static func preceded(_ x_bsc: Tensor, by tail: Tensor?, _ count: Int) throws(TorchError) -> Tensor {
        if let tail { return try Tensor.cat([tail.to(x_bsc.dtype), x_bsc], dim: 1) }
        return try Tensor.cat([Tensor.zeros([x_bsc.size(0), count, x_bsc.size(2)], like: x_bsc), x_bsc], dim: 1)
    }

    /// [b, s, 1]: whether the position `back` steps before belongs to the same document. Positions before the
    /// sequence belong to the document of its first token.
    private static func sameDocument(_ index_bs: Tensor, back: Int) throws(TorchError) -> Tensor {
        let batch = index_bs.shape[0], length = index_bs.shape[1]
        let first = try index_bs.narrow(1, from: 0, length: 1).expand([batch, back])
        let shifted = try Tensor.cat([first, index_bs], dim: 1).narrow(1, from: 0, length: length)
        return try (shifted .== index_bs).unsqueeze(-1)
    }
}
