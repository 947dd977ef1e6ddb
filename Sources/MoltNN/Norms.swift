package import MoltTensor

/// Root-mean-square norm: w · x / √(mean(x²) + ε), computed in fp32 and rounded to the input's type before the weight.
/// Gemma's kind multiplies with 1 + w.
package final class RMSNorm {
    private static let operation = Operator("molt::rms_norm")
    private static let addingOperation = Operator("molt::add_rms_norm")

    package let weight: Parameter
    package let epsilon: Double
    package let plusOne: Bool

    package init(
        _ scope: ParameterScope, width: Int, epsilon: Double, plusOne: Bool = false
    ) throws(TorchError) {
        weight = try scope.parameter("weight", [width], plusOne ? .zeros : .ones, decays: false)
        self.epsilon = epsilon
        self.plusOne = plusOne
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        guard x.hasKernels else {
            return try NormReference.rms(x, weight: factor(), epsilon: epsilon)
        }
        return try Self.operation(x, factor(), epsilon)
    }

    private func factor() throws(TorchError) -> Tensor {
        plusOne ? try weight.value + 1 : weight.value
    }

    /// `x + residual` in the residual's type, and its norm in the type of `x`: one pass over memory.
    package func adding(_ x: Tensor, to residual: Tensor) throws(TorchError) -> (normed: Tensor, sum: Tensor) {
        guard x.hasKernels else {
            let sum = try residual + x
            return (try NormReference.rms(sum, weight: factor(), epsilon: epsilon).to(x.dtype), sum)
        }
        let results = try Self.addingOperation.results(x, residual, factor(), epsilon)
        return (try results.tensor(0), try results.tensor(1))
    }
}

/// The norm of the Mamba-2 mixer: RMSNorm(y · silu(z)) over groups of channels, or RMSNorm(y) · silu(z).
package final class GatedRMSNorm {
    private static let operation = Operator("molt::gated_rms_norm")

    package let weight: Parameter
    package let groupSize: Int
    package let epsilon: Double
    package let beforeGate: Bool

    package init(
        _ scope: ParameterScope, width: Int, groupSize: Int, epsilon: Double, beforeGate: Bool = false
    ) throws(TorchError) {
        precondition(width % groupSize == 0, "\(width) channels do not divide into groups of \(groupSize)")
        weight = try scope.parameter("weight", [width], .ones, decays: false)
        self.groupSize = groupSize
        self.epsilon = epsilon
        self.beforeGate = beforeGate
    }

    package func callAsFunction(_ y: Tensor, gate z: Tensor) throws(TorchError) -> Tensor {
        let inside = beforeGate ? nil : z
        let normed = if y.hasKernels {
            try Self.operation(y, inside?.to(y.dtype), weight.value, epsilon, groupSize)
        } else {
            try NormReference.gated(y, gate: inside, weight: weight.value, groupSize: groupSize, epsilon: epsilon)
        }
        return beforeGate ? try normed * z.silu() : normed
    }
}
