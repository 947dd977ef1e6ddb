package import MoltTensor

/// down(act(up(x))), or with a gate: down(act(gate(x)) · up(x)).
package final class MLP {
    package enum Activation: Hashable, Sendable {
        case silu
        /// The exact GELU, by the error function.
        case gelu
        case squaredReLU

        private static let squaredReLUOperation = Operator("molt::squared_relu")
        private static let gatedSiLUOperation = Operator("molt::swiglu")

        package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
            switch self {
            case .silu: return try x.silu()
            case .gelu: return try x.gelu()
            case .squaredReLU:
                if x.hasKernels { return try Self.squaredReLUOperation(x) }
                return try x.relu().square()
            }
        }

        /// The activation of `gate`, times `x`.
        package func callAsFunction(_ x: Tensor, gate: Tensor) throws(TorchError) -> Tensor {
            switch self {
            case .silu where x.hasKernels:
                try Self.gatedSiLUOperation(gate, x)
            case .silu, .gelu, .squaredReLU: try self(gate) * x
            }
        }
    }

    package let up: Linear
    package let gate: Linear?
    package let down: Linear
    package let activation: Activation

    package init(
        _ scope: ParameterScope, width: Int, inner: Int, activation: Activation, gated: Bool, outputGain: Double = 1
    ) throws(TorchError) {
        self.activation = activation
        gate = gated ? try Linear(scope / "gate_proj", width, inner) : nil
        up = try Linear(scope / "up_proj", width, inner)
        down = try Linear(scope / "down_proj", inner, width, initializer: .fanIn(inner, gain: outputGain))
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        guard let gate else { return try down(activation(up(x))) }
        return try down(activation(up(x), gate: gate(x)))
    }
}
