import MoltTensor

/// A low-rank update of a linear layer (Hu et al. 2021): W' = W + s · B A, with s = alpha / rank, or alpha / √rank when
/// rank-stabilized (Kalajdzievski 2023). DoRA (Liu et al. 2024) gives each output row a length of its own:
///
///     W' = m · (W + s · B A) / ‖W + s · B A‖            the norm by rows, a constant to backward as in the paper
///
/// A starts kaiming-uniform, B at zero and m at the rows' lengths, so that a fresh adapter changes no bit. Names as in
/// the field: `<module>.lora_A.weight` [rank, in], `<module>.lora_B.weight` [out, rank] and
/// `<module>.lora_magnitude_vector` [out]; an adapter of some rows alone lies under `<module>.<component>`.
package final class LoRAAdapter {
    /// B A for a range of output rows.
    package final class Part {
        package let rows: Range<Int>
        package let down: Parameter
        package let up: Parameter

        init(_ scope: ParameterScope, inputs: Int, rows: Range<Int>, rank: Int) throws(TorchError) {
            self.rows = rows
            down = try (scope / "lora_A").parameter("weight", [rank, inputs], .fanIn(inputs))
            up = try (scope / "lora_B").parameter("weight", [rows.count, rank], .zeros)
        }
    }

    package struct Options: Hashable, Sendable {
        package var rank: Int
        package var alpha: Double
        /// The share of inputs that the update does not see in training.
        package var dropout = 0.0
        package var isRankStabilized = false
        /// DoRA.
        package var hasMagnitude = false

        package init(rank: Int, alpha: Double) {
            self.rank = rank
            self.alpha = alpha
        }

        package var scale: Double { alpha / (isRankStabilized ? Double(rank).squareRoot() : Double(rank)) }
    }

    package let options: Options
    package let parts: [Part]
    package let magnitude: Parameter?
    private let registry: ParameterRegistry
    private let outputs: Int

    /// - Parameter components: names from `linear.components`; empty for the whole layer.
    init(_ linear: Linear, _ options: Options, components: [String]) throws {
        self.options = options
        registry = linear.scope.registry
        outputs = linear.outputs
        let chosen = linear.components.filter { components.contains($0.name) }
        parts = components.isEmpty
            ? [try Part(linear.scope, inputs: linear.inputs, rows: 0..<linear.outputs, rank: options.rank)]
            : try chosen.map {
                try Part(linear.scope / $0.name, inputs: linear.inputs, rows: $0.rows, rank: options.rank)
            }
        guard options.hasMagnitude else {
            magnitude = nil
            return
        }
        let vector = try linear.scope.parameter("lora_magnitude_vector", [linear.outputs], .ones, decays: false)
        magnitude = vector
        try noGrad { try vector.assign(Self.rowLengths(linear.weight.value.to(registry.dtype))) }
    }

    /// The layer's output with the adapter's part, in the type of the output without.
    func callAsFunction(_ x: Tensor, _ linear: Linear) throws(TorchError) -> Tensor {
        let plain = try x.linear(linear.weight.value, linear.bias?.value)
        let isDropping = options.dropout > 0 && registry.isTraining
        let update = try update(isDropping ? x.dropout(options.dropout, training: true) : x)
        guard let magnitude else { return try plain + update }
        // Lengths are wide and the rest is not under autocast.
        let factor = try factor(magnitude, linear)
        var directed = plain
        if let bias = linear.bias { directed = try plain - bias.value }
        return try (plain + directed * (factor - 1) + update * factor).to(plain.dtype)
    }

    private func update(_ x: Tensor) throws(TorchError) -> Tensor {
        var sum: Tensor?
        for part in parts {
            let y = try x.linear(part.down.value).linear(part.up.value) * options.scale
            let placed = part.rows.count == outputs
                ? y : try y.pad([part.rows.lowerBound, outputs - part.rows.upperBound])
            if let before = sum { sum = try before + placed } else { sum = placed }
        }
        guard let sum else { throw TorchError(.failed, "an adapter of \(outputs) rows has no part") }
        return sum
    }

    /// The weight with the adapter's part, differentiable in both.
    func effectiveWeight(of linear: Linear) throws(TorchError) -> Tensor {
        let sum = try linear.weight.value + delta()
        guard let magnitude else { return sum }
        return try sum * factor(magnitude, linear).unsqueeze(1)
    }

    /// s · B A, [out, in].
    private func delta() throws(TorchError) -> Tensor {
        let inputs = parts.first?.down.shape[1] ?? 0
        var blocks: [Tensor] = [], row = 0
        for part in parts {
            if part.rows.lowerBound > row {
                blocks.append(try Tensor.zeros([part.rows.lowerBound - row, inputs], like: part.up.value))
            }
            blocks.append(try part.up.value.matmul(part.down.value) * options.scale)
            row = part.rows.upperBound
        }
        if row < outputs, let last = parts.last {
            blocks.append(try Tensor.zeros([outputs - row, inputs], like: last.up.value))
        }
        return blocks.count == 1 ? blocks[0] : try Tensor.cat(blocks)
    }

    /// m / ‖W + s · B A‖ of each row.
    private func factor(_ magnitude: Parameter, _ linear: Linear) throws(TorchError) -> Tensor {
        let length = try noGrad { () throws(TorchError) in
            try autocast(nil, on: linear.weight.value.device) { () throws(TorchError) in
                try Self.rowLengths(linear.weight.value + delta())
            }
        }
        // A row of zeros has no direction, and stays one.
        return try magnitude.value / length.clamp(min: 1e-30)
    }

    private static func rowLengths(_ weight: Tensor) throws(TorchError) -> Tensor {
        try weight.square().sum(1).sqrt()
    }
}
