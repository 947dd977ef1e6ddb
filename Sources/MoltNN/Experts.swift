package import MoltTensor

/// A mixture of experts (Shazeer et al. 2017): a router picks k of E gated MLPs for each token.
///
///     s = x Wᵀ;  p = softmax of the k largest s;  y = Σ p_i · expert_i(x)
///
/// | parameter | shape | first values |
/// |---|---|---|
/// | router.weight | [E, d] | uniform ±1/√d |
/// | experts.gate_up_proj | [E, 2f, d] | uniform ±1/√d, gate over up |
/// | experts.down_proj | [E, d, f] | uniform ±1/√f, times the output gain |
///
/// Scores are in fp32. Rows are sorted by expert, so that each expert multiplies its own rows once; the order of sums
/// is that of the chosen experts, the same on every run.
package final class Experts {
    package let router: Parameter
    package let gateUp: Parameter
    package let down: Parameter
    package let chosen: Int
    package let activation: MLP.Activation

    package init(
        _ scope: ParameterScope, width: Int, inner: Int, experts: Int, chosen: Int, activation: MLP.Activation,
        outputGain: Double = 1
    ) throws(TorchError) {
        precondition(chosen > 0 && chosen <= experts, "\(chosen) of \(experts) experts")
        self.chosen = chosen
        self.activation = activation
        router = try (scope / "router").parameter("weight", [experts, width], .fanIn(width))
        gateUp = try (scope / "experts").matrix("gate_up_proj", [experts, 2 * inner, width], .fanIn(width))
        down = try (scope / "experts").matrix(
            "down_proj", [experts, width, inner], .fanIn(inner, gain: outputGain))
        for (parameter, count) in [(router, 1), (gateUp, experts), (down, experts)] {
            scope.registry.add(FixedLinear(parameter, count: count))
        }
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let rows = try x.flatten(through: -2)
        let scores = try rows.linear(router.value)
        let best = try scores.to(scores.dtype == .float64 ? .float64 : .float32).top(chosen)
        let shares = try best.values.softmax(-1)

        // Row i of the sorted list is the choice `order[i]` of all rows' choices.
        let choices = try best.indices.flatten()
        let order = try choices.sortedPlaces()
        let counts = try choices.bincount(minimumLength: router.shape[0]).array(of: Int64.self)
        let sorted = try rows.indexSelect(0, order.floorDivide(by: chosen))
        let mixed = try multiply(sorted, counts: counts.map(Int.init))
        let inPlace = try mixed.indexSelect(0, order.sortedPlaces())
        let weighted = try inPlace.reshape([rows.size(0), chosen, x.size(-1)])
            * shares.to(inPlace.dtype).unsqueeze(-1)
        return try weighted.sum(1).to(x.dtype).view(as: x)
    }

    /// The experts' own rows, one after the other.
    private func multiply(_ sorted: Tensor, counts: [Int]) throws(TorchError) -> Tensor {
        let (ups, downs) = (try gateUp.value.unbind(0), try down.value.unbind(0))
        var results: [Tensor] = [], start = 0
        for (expert, count) in counts.enumerated() where count > 0 {
            let parts = try sorted.narrow(0, from: start, length: count).linear(ups[expert]).chunk(2, dim: -1)
            results.append(try activation(parts[1], gate: parts[0]).linear(downs[expert]))
            start += count
        }
        return try Tensor.cat(results)
    }
}
