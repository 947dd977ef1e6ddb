package import MoltTensor

/// The norms in plain operators: what the fused ones are compared with.
package enum NormReference {
    package static func rms(_ x: Tensor, weight: Tensor, epsilon: Double) throws(TorchError) -> Tensor {
        let wide = try x.to(accumulation(x.dtype))
        let scale = try ((wide * wide).mean([-1], keepDim: true) + epsilon).rsqrt()
        return try (weight * (wide * scale).to(between(x, weight))).to(x.dtype)
    }

    package static func gated(
        _ y: Tensor, gate z: Tensor?, weight: Tensor, groupSize: Int, epsilon: Double
    ) throws(TorchError) -> Tensor {
        let wide = accumulation(y.dtype)
        let gated = if let z { try y.to(wide) * z.to(wide).silu() } else { try y.to(wide) }
        let grouped = try gated.splitLast([y.shape[y.shape.count - 1] / groupSize, groupSize])
        let scale = try ((grouped * grouped).mean([-1], keepDim: true) + epsilon).rsqrt()
        let normed = try (grouped * scale).flatten(from: -2, through: -1)
        return try (weight * normed.to(between(y, weight))).to(y.dtype)
    }

    /// What x / rms is rounded to before the weight: the wider of both types, as in transformers, where x has it.
    private static func between(_ x: Tensor, _ weight: Tensor) -> DType {
        x.dtype == .bfloat16 ? weight.dtype : x.dtype
    }

    /// Sums are taken in fp32, or in fp64 when the input is.
    private static func accumulation(_ dtype: DType) -> DType {
        dtype == .float64 ? .float64 : .float32
    }
}
