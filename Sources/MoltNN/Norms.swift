package import MoltTensor

/// Root-mean-square norm: w · x / √(mean(x²) + ε), computed in fp32 and rounded to the input's type before the weight.
package final class RMSNorm {
    private static let operation = Operator("molt::rms_norm")
    private static let addingOperation = Operator("molt::add_rms_norm")

    package let weight: Parameter
    package let epsilon: Double

    package init(_ scope: ParameterScope, width: Int, epsilon: Double) throws(TorchError) {
        weight = try scope.parameter("weight", [width], .ones, decays: false)
        self.epsilon = epsilon
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        guard x.hasKernels else {
            return try NormReference.rms(x, weight: weight.value, epsilon: epsilon)
        }
        return try Self.operation(x, weight.value, epsilon)
    }

    /// `x + residual` in the residual's type, and its norm in the type of `x`: one pass over memory.
    package func adding(_ x: Tensor, to residual: Tensor) throws(TorchError) -> (normed: Tensor, sum: Tensor) {
        guard x.hasKernels else {
            let sum = try residual + x
            return (try NormReference.rms(sum, weight: weight.value, epsilon: epsilon).to(x.dtype), sum)
        }
        let results = try Self.addingOperation.results(x, residual, weight.value, epsilon)
        return (try results.tensor(0), try results.tensor(1))
    }
}

/// The norm of the Mamba-2 mixer: RMSNorm(y · silu(z)) over groups of channels.
package final class GatedRMSNorm {
    private static let operation = Operator("molt::gated_rms_norm")

    package let weight: Parameter
    package let groupSize: Int
    package let epsilon: Double

    package init(_ scope: ParameterScope, width: Int, groupSize: Int, epsilon: Double) throws(TorchError) {
        precondition(width % groupSize == 0, "\(width) channels do not divide into groups of \(groupSize)")
        weight = try scope.parameter("weight", [width], .ones, decays: false)
        self.groupSize = groupSize
        self.epsilon = epsilon
    }

    package func callAsFunction(_ y: Tensor, gate z: Tensor) throws(TorchError) -> Tensor {
        guard y.hasKernels else {
            return try NormReference.gated(y, gate: z, weight: weight.value, groupSize: groupSize, epsilon: epsilon)
        }
        return try Self.operation(y, z.to(y.dtype), weight.value, epsilon, groupSize)
    }
}
