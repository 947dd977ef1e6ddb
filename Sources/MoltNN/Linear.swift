package import MoltTensor

/// y = x Wᵀ (+ b), with an optional low-rank adapter beside it.
package final class Linear {
    /// Output rows with a meaning of their own, where several projections are one.
    package struct Component: Hashable, Sendable {
        package let name: String
        package let rows: Range<Int>
    }

    package let path: String
    package let inputs: Int
    package let outputs: Int
    package let weight: Parameter
    package let bias: Parameter?
    package let components: [Component]
    package internal(set) var adapter: LoRAAdapter?
    package let scope: ParameterScope

    /// - Parameter components: names and numbers of the rows that are joined in this layer, in their order.
    package init(
        _ scope: ParameterScope, _ inputs: Int, _ outputs: Int, bias: Bool = false, initializer: Initializer? = nil,
        biasInitializer: Initializer = .zeros, components: KeyValuePairs<String, Int> = [:]
    ) throws(TorchError) {
        self.scope = scope
        path = scope.path
        self.inputs = inputs
        self.outputs = outputs
        var start = 0, named: [Component] = []
        for (name, count) in components {
            named.append(Component(name: name, rows: start..<start + count))
            start += count
        }
        precondition(components.isEmpty || start == outputs, "\(scope.path): components of \(start) of \(outputs) rows")
        self.components = named
        weight = try scope.matrix("weight", [outputs, inputs], initializer ?? .fanIn(inputs))
        self.bias = bias ? try scope.parameter("bias", [outputs], biasInitializer, decays: false) : nil
        scope.registry.add(self)
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        guard let adapter, scope.registry.usesAdapters else { return try x.linear(weight.value, bias?.value) }
        return try adapter(x, self)
    }

    /// The weight with the adapter's part added, differentiable in both.
    package func effectiveWeight() throws(TorchError) -> Tensor {
        guard let adapter, scope.registry.usesAdapters else { return weight.value }
        return try adapter.effectiveWeight(of: self)
    }
}
