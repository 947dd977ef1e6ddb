package import MoltTensor

/// Root-mean-square norm: w · x / √(mean(x²) + ε), computed in fp32 and rounded to the input's type before the weight.
package final class RMSNorm {
    package let weight: Parameter
    package let epsilon: Double

    package init(_ scope: ParameterScope, width: Int, epsilon: Double) throws(TorchError) {
        weight = try scope.parameter("weight", [width], .ones, decays: false)
        self.epsilon = epsilon
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try NormReference.rms(x, weight: weight.value, epsilon: epsilon)
    }
}

/// The norm of the Mamba-2 mixer: RMSNorm(y · silu(z)) over groups of channels.
package final class GatedRMSNorm {
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
        try NormReference.gated(y, gate: z, weight: weight.value, groupSize: groupSize, epsilon: epsilon)
    }
}
