package import MoltTensor

/// A low-rank update beside a linear layer: y += (alpha / rank) · B A x.
///
/// A starts kaiming-uniform and B at zero, so a fresh adapter changes nothing. Names as in the field:
/// `<module>.lora_A.weight` [rank, in] and `<module>.lora_B.weight` [out, rank].
package final class LoRAAdapter {
    package let rank: Int
    package let scale: Double
    package let down: Parameter
    package let up: Parameter

    init(_ scope: ParameterScope, _ inputs: Int, _ outputs: Int, rank: Int, alpha: Double) throws(TorchError) {
        self.rank = rank
        scale = alpha / Double(rank)
        down = try (scope / "lora_A").parameter("weight", [rank, inputs], .fanIn(inputs))
        up = try (scope / "lora_B").parameter("weight", [outputs, rank], .zeros)
    }

    package func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try x.linear(down.value).linear(up.value) * scale
    }

    /// What the adapter adds to the weight.
    func delta() throws(TorchError) -> Tensor {
        try up.value.matmul(down.value) * scale
    }
}

/// Which layers got an adapter, and what that means for the number of trained weights.
package struct LoRAReport: Equatable, Sendable, CustomStringConvertible {
    package let matched: [String]
    /// Modules matched by each pattern.
    package let counts: [String: Int]
    package let adapterParameters: Int
    package let totalParameters: Int

    package var description: String {
        let share = 100 * Double(adapterParameters) / Double(max(1, totalParameters))
        let rounded = Double(Int(share * 100 + 0.5)) / 100
        return "LoRA on \(matched.count) modules: \(adapterParameters) of \(totalParameters) parameters (\(rounded) %)"
    }
}

package enum LoRA {
    /// Puts adapters on every linear layer that a pattern matches, and freezes all other parameters.
    ///
    /// A pattern is the last component of a module's path (`in_proj`), or a glob over the whole path
    /// (`backbone.layers.1*.mixer.*_proj`). A pattern that matches nothing is an error.
    package static func apply(
        to registry: ParameterRegistry, targets: [String], rank: Int, alpha: Double
    ) throws -> LoRAReport {
        guard rank > 0, alpha > 0 else { throw LoRAError.badRank(rank, alpha: alpha) }
        guard !targets.isEmpty else { throw LoRAError.noTargets }
        var counts: [String: Int] = [:]
        var matched: [Linear] = []
        for linear in registry.linears {
            let patterns = targets.filter { ModulePattern($0).matches(linear.path) }
            for pattern in patterns { counts[pattern, default: 0] += 1 }
            if !patterns.isEmpty { matched.append(linear) }
        }
        if let missed = targets.first(where: { counts[$0] == nil }) {
            throw LoRAError.noMatch(pattern: missed, known: moduleNames(registry))
        }
        if let twice = matched.first(where: { $0.adapter != nil }) { throw LoRAError.alreadyAdapted(twice.path) }
        for parameter in registry.parameters { try parameter.setTrainable(false) }
        for linear in matched {
            linear.adapter = try LoRAAdapter(linear.scope, linear.inputs, linear.outputs, rank: rank, alpha: alpha)
        }
        return LoRAReport(
            matched: matched.map(\.path), counts: counts, adapterParameters: registry.trainableCount,
            totalParameters: registry.count)
    }

    /// Adds every adapter to its layer's weight and takes the adapter's effect away, so that the sum stays; what the
    /// adapters had frozen is trained again.
    package static func merge(_ registry: ParameterRegistry) throws(TorchError) {
        for linear in registry.linears {
            guard linear.adapter != nil else { continue }
            try noGrad { () throws(TorchError) in
                _ = try linear.weight.value.copy_(linear.effectiveWeight())
            }
            linear.adapter = nil
        }
        registry.removeAdapters()
        for parameter in registry.parameters { try parameter.setTrainable(true) }
    }

    /// The adapters' parameters alone, in the order of creation.
    package static func state(of registry: ParameterRegistry) -> [Parameter] {
        registry.parameters.filter { isAdapter($0.name) }
    }

    package static func isAdapter(_ name: String) -> Bool {
        name.hasSuffix(".lora_A.weight") || name.hasSuffix(".lora_B.weight")
    }

    private static func moduleNames(_ registry: ParameterRegistry) -> [String] {
        Set(registry.linears.map { ModulePattern.lastComponent($0.path) }).sorted()
    }
}

package enum LoRAError: Error, Equatable, CustomStringConvertible {
    case noTargets
    case badRank(Int, alpha: Double)
    case noMatch(pattern: String, known: [String])
    case alreadyAdapted(String)

    package var description: String {
        switch self {
        case .noTargets: "LoRA needs targets: names of modules such as in_proj or q_proj"
        case .badRank(let rank, let alpha): "LoRA needs a rank and an alpha above zero, not \(rank) and \(alpha)"
        case .noMatch(let pattern, let known):
            "no module is named '\(pattern)'; the model has \(known.joined(separator: ", "))"
        case .alreadyAdapted(let path): "\(path) already carries an adapter"
        }
    }
}
