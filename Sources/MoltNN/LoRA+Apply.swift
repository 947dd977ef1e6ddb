package import MoltTensor

package enum LoRA {
    /// Puts adapters on every linear layer that a target matches, and freezes all other parameters.
    ///
    /// A target is the last component of a module's path (`in_proj`), or a glob over the whole path
    /// (`backbone.layers.1*.mixer.*_proj`); `all-linear` means every linear layer but the head. A colon and a name
    /// choose some rows of a joined projection (`in_proj:dt`). A target that matches nothing is an error, and so is a
    /// name of which a part cannot carry adapters: what is asked for is adapted as a whole or not at all. What a glob
    /// or `all-linear` covers and cannot carry adapters counts in the report as left out.
    package static func apply(
        to registry: ParameterRegistry, targets: [String], rank: Int, alpha: Double
    ) throws -> AdapterReport {
        try apply(to: registry, targets: targets, LoRAAdapter.Options(rank: rank, alpha: alpha))
    }

    package static func apply(
        to registry: ParameterRegistry, targets: [String], _ options: LoRAAdapter.Options
    ) throws -> AdapterReport {
        guard options.rank > 0, options.alpha > 0 else { throw LoRAError.badRank(options.rank, alpha: options.alpha) }
        guard !targets.isEmpty else { throw LoRAError.noTargets }
        var choices: [Choice] = registry.linears.map { Choice(linear: $0) }
        var counts: [String: Int] = [:], left: [String: [FixedLinear]] = [:]
        for text in targets {
            let target = Target(text)
            left[text] = registry.fixedLinears.filter(target.covers)
            for index in choices.indices where target.pattern.matches(choices[index].linear) {
                if try choices[index].add(target) { counts[text, default: 0] += 1 }
            }
            try check(target, found: counts[text] ?? 0, registry)
        }
        let chosen = choices.filter(\.isChosen)
        if let twice = chosen.first(where: { $0.linear.adapter != nil }) {
            throw LoRAError.alreadyAdapted(twice.linear.path)
        }
        let total = registry.count
        try registry.beginAdapters()
        for choice in chosen {
            choice.linear.adapter = try LoRAAdapter(choice.linear, options, components: choice.components)
        }
        var report = AdapterReport(
            method: options.hasMagnitude ? "DoRA" : "LoRA", matched: chosen.map(\.linear.path), counts: counts,
            adapterParameters: registry.trainableCount, totalParameters: total + registry.trainableCount)
        report.leftOut = left.mapValues { $0.reduce(0) { $0 + $1.count } }
        report.unadaptable = Set(left.values.joined().map { ModulePattern.lastComponent($0.path) }).sorted()
        report.linears = registry.linears.count + registry.fixedLinears.reduce(0) { $0 + $1.count }
        return report
    }

    /// Adds every adapter to its layer's weight and takes the adapter's effect away, so that the result stays; what the
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
    package static func state(of registry: ParameterRegistry) -> [Parameter] { registry.adapters }

    /// Refuses a target that matches nothing, or a name that some weight has which is no linear layer.
    private static func check(_ target: Target, found: Int, _ registry: ParameterRegistry) throws(LoRAError) {
        if found == 0 {
            if let component = target.component,
                let linear = registry.linears.first(where: { target.pattern.matches($0) }) {
                throw .noComponent(component, module: linear.path, known: linear.components.map(\.name))
            }
            guard let other = target.otherWeights(registry).first else {
                throw .noMatch(
                    pattern: target.text,
                    known: Set(registry.linears.map { ModulePattern.lastComponent($0.path) }).sorted())
            }
            throw .notLinear(pattern: target.text, module: other, matched: 0)
        }
        if let other = target.otherWeights(registry).first {
            throw .notLinear(pattern: target.text, module: other, matched: found)
        }
    }

    /// What the targets choose of one layer.
    private struct Choice {
        let linear: Linear
        private(set) var components: [String] = []
        private var isWhole = false

        init(linear: Linear) { self.linear = linear }

        var isChosen: Bool { isWhole || !components.isEmpty }

        /// False when the layer has no such component.
        mutating func add(_ target: Target) throws(LoRAError) -> Bool {
            guard let component = target.component else {
                (isWhole, components) = (true, [])
                return true
            }
            guard linear.components.contains(where: { $0.name == component }) else { return false }
            if !isWhole, !components.contains(component) { components.append(component) }
            return true
        }
    }
}

/// A target as a recipe writes it: `in_proj`, `*.mixer.*_proj`, `in_proj:dt`, `all-linear`.
private struct Target {
    struct Pattern {
        let pattern: ModulePattern?

        func matches(_ linear: Linear) -> Bool { matches(linear.path) }

        func matches(_ path: String) -> Bool { pattern?.matches(path) ?? (path != "lm_head") }
    }

    let text: String
    let pattern: Pattern
    let component: String?

    init(_ text: String) {
        self.text = text
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        component = parts.count == 2 ? parts[1] : nil
        pattern = Pattern(pattern: text == "all-linear" ? nil : ModulePattern(parts.first ?? text))
    }

    /// Whether it means this one, too, by a pattern: one that is named outright is refused.
    func covers(_ linear: FixedLinear) -> Bool { component == nil && pattern.matches(linear.path) }

    /// Weights of that very name which are no linear layers: convolutions, experts.
    func otherWeights(_ registry: ParameterRegistry) -> [String] {
        guard let pattern = pattern.pattern, !pattern.isGlob else { return [] }
        let linears = Set(registry.linears.map(\.path))
        return registry.parameters.filter { $0.shape.count > 1 }
            .map { $0.name.hasSuffix(".weight") ? String($0.name.dropLast(7)) : $0.name }
            .filter { pattern.matches($0) && !linears.contains($0) }
    }
}

package enum LoRAError: Error, Equatable, CustomStringConvertible {
    case noTargets
    case badRank(Int, alpha: Double)
    case noMatch(pattern: String, known: [String])
    case noComponent(String, module: String, known: [String])
    case notLinear(pattern: String, module: String, matched: Int)
    case alreadyAdapted(String)

    package var description: String {
        switch self {
        case .noTargets: "LoRA needs targets: names of modules such as in_proj or q_proj"
        case .badRank(let rank, let alpha): "LoRA needs a rank and an alpha above zero, not \(rank) and \(alpha)"
        case .noMatch(let pattern, let known):
            "no module is named '\(pattern)'; the model has \(known.joined(separator: ", "))"
        case .noComponent(let component, let module, let known):
            "\(module) has no component '\(component)'"
                + (known.isEmpty ? ", it is not joined of any" : "; it has \(known.joined(separator: ", "))")
        case .notLinear(let pattern, let module, let matched):
            "the target '\(pattern)' means \(module), too, which is no linear layer and cannot carry an adapter"
                + " (\(matched) that can); name modules by a pattern over their paths"
        case .alreadyAdapted(let path): "\(path) already carries an adapter"
        }
    }
}
