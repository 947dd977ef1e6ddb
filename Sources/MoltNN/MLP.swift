package import MoltTensor

/// down(act(up(x))), or with a gate: down(act(gate(x)) · up(x)).
package final class MLP {
    package enum Activation: Hashable, Sendable {
        case silu
        /// The exact GELU, by the error function.
        case gelu
        /// The GELU by its approximation with tanh.
        case geluTanh
        case squaredReLU

        private static let squaredReLUOperation = Operator("molt::squared_relu")
        private static let gatedSiLUOperation = Operator("molt::swiglu")

        package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
            switch self {
            case .silu: return try x.silu()
            case .gelu: return try x.gelu()
            case .geluTanh: return try x.gelu(tanh: true)
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
            case .silu, .gelu, .geluTanh, .squaredReLU: try self(gate) * x
            }
        }
    }

    /// Names and layout of the weights in checkpoints.
    package enum Kind: Hashable, Sendable {
        /// up_proj and down_proj.
        case plain
        /// gate_proj, up_proj and down_proj.
        case gated
        /// input_linear, gate over up, and output_linear.
        case joined
    }

    private let inputs: [Linear]
    package let down: Linear
    package let activation: Activation
    private let kind: Kind

    package init(
        _ scope: ParameterScope, width: Int, inner: Int, activation: Activation, kind: Kind, bias: Bool = false,
        outputGain: Double = 1
    ) throws(TorchError) {
        self.activation = activation
        self.kind = kind
        let names: (inputs: [String], output: String) =
            switch kind {
            case .plain: (["up_proj"], "down_proj")
            case .gated: (["gate_proj", "up_proj"], "down_proj")
            case .joined: (["input_linear"], "output_linear")
            }
        inputs = try names.inputs.map { name throws(TorchError) in
            guard kind == .joined else { return try Linear(scope / name, width, inner, bias: bias) }
            return try Linear(
                scope / name, width, 2 * inner, bias: bias, components: ["gate": inner, "up": inner])
        }
        down = try Linear(
            scope / names.output, inner, width, bias: bias, initializer: .fanIn(inner, gain: outputGain))
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        switch kind {
        case .plain:
            return try down(activation(inputs[0](x)))
        case .gated:
            return try down(activation(inputs[1](x), gate: inputs[0](x)))
        case .joined:
            let parts = try inputs[0](x).chunk(2, dim: -1)
            return try down(activation(parts[1], gate: parts[0]))
        }
    }
}
