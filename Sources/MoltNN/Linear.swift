package import MoltTensor

/// y = x Wᵀ (+ b), with an optional low-rank adapter beside it.
package final class Linear {
    package let path: String
    package let inputs: Int
    package let outputs: Int
    package let weight: Parameter
    package let bias: Parameter?
    package internal(set) var adapter: LoRAAdapter?
    package let scope: ParameterScope

    package init(
        _ scope: ParameterScope, _ inputs: Int, _ outputs: Int, bias: Bool = false, initializer: Initializer? = nil,
        biasInitializer: Initializer = .zeros
    ) throws(TorchError) {
        self.scope = scope
        path = scope.path
        self.inputs = inputs
        self.outputs = outputs
        weight = try scope.parameter("weight", [outputs, inputs], initializer ?? .fanIn(inputs))
        self.bias = bias ? try scope.parameter("bias", [outputs], biasInitializer, decays: false) : nil
        scope.registry.add(self)
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let y = try x.linear(weight.value, bias?.value)
        guard let adapter else { return y }
        return try y + adapter(x)
    }

    /// The weight with the adapter's part added, differentiable in both.
    package func effectiveWeight() throws(TorchError) -> Tensor {
        guard let adapter else { return weight.value }
        return try weight.value + adapter.delta()
    }
}
