package import MoltNN
package import MoltRecipe
import MoltTensor

extension HybridModel {
    /// Puts a method's adapters on the model and freezes all else.
    ///
    /// LoRA and DoRA go on linear layers (see `LoRA.apply`); bottlenecks behind every layer, or those whose path a
    /// target matches; prompts before every document; prefixes into every layer that remembers.
    /// - Parameter promptTokens: what prompt tuning starts from, repeated as often as it takes; empty for chance.
    package func adapt(_ method: MethodSection, promptTokens: [Int] = []) throws -> AdapterReport {
        switch method.type {
        case .full: throw AdapterError.noAdapters
        case .lora, .dora:
            var options = LoRAAdapter.Options(rank: method.rank, alpha: method.alpha)
            options.dropout = method.dropout
            options.isRankStabilized = method.isRankStabilized
            options.hasMagnitude = method.type == .dora
            return try LoRA.apply(to: registry, targets: method.targets, options)
        case .bottleneck: return try addBottlenecks(method)
        case .promptTuning: return try addPrompt(method, promptTokens)
        case .pTuning: return try addPrompt(method, [])
        case .prefix: return try addPrefixes(method)
        }
    }

    private func addBottlenecks(_ method: MethodSection) throws -> AdapterReport {
        let targets = method.targets.isEmpty ? ["*"] : method.targets
        var counts: [String: Int] = [:]
        for target in targets {
            counts[target] = blocks.count { ModulePattern(target).matches($0.scope.path) }
            guard counts[target] != 0 else {
                throw AdapterError.noLayer(pattern: target, example: blocks.first?.scope.path ?? "")
            }
        }
        let chosen = blocks.filter { block in targets.contains { ModulePattern($0).matches(block.scope.path) } }
        try registry.beginAdapters()
        for block in chosen {
            block.bottleneck = try BottleneckAdapter(block.scope, width: section.hiddenSize, rank: method.rank)
        }
        return report("bottleneck adapters", chosen.map(\.scope.path), counts)
    }

    private func addPrompt(_ method: MethodSection, _ tokens: [Int]) throws -> AdapterReport {
        let isEncoded = method.type == .pTuning
        try registry.beginAdapters()
        let made = try VirtualTokens(
            registry.root, count: method.virtualTokens, width: section.hiddenSize,
            deviation: isEncoded ? 1 : section.initializerRange,
            encoderSize: isEncoded ? method.encoderSize ?? section.hiddenSize : nil)
        if !tokens.isEmpty {
            let rows = (0..<method.virtualTokens).map { Int64(tokens[$0 % tokens.count]) }
            let index = try Tensor(rows, shape: [rows.count]).to(registry.device)
            try made.embedding.assign(noGrad { try embeddings.weight.value.indexSelect(0, index) })
        }
        prompt = made
        let name = isEncoded ? "P-tuning" : "prompt tuning"
        return report(name, ["embeddings"], ["\(method.virtualTokens) virtual tokens": 1])
    }

    private func addPrefixes(_ method: MethodSection) throws -> AdapterReport {
        try registry.beginAdapters()
        var matched: [String] = []
        for block in blocks where try block.addPrefix(count: method.virtualTokens) { matched.append(block.scope.path) }
        guard !matched.isEmpty else { throw AdapterError.nothingRemembers }
        return report("prefix states", matched, ["layers that remember": matched.count])
    }

    private func report(_ name: String, _ matched: [String], _ counts: [String: Int]) -> AdapterReport {
        AdapterReport(
            method: name, matched: matched, counts: counts, adapterParameters: registry.trainableCount,
            totalParameters: registry.count)
    }
}

package enum AdapterError: Error, Equatable, CustomStringConvertible {
    case noAdapters
    case noLayer(pattern: String, example: String)
    case nothingRemembers

    package var description: String {
        switch self {
        case .noAdapters: "full fine-tuning has no adapters"
        case .noLayer(let pattern, let example):
            "no layer is named '\(pattern)'; targets of bottleneck adapters are patterns over paths like \(example)"
        case .nothingRemembers: "no layer of the model remembers anything: a prefix has no place to go"
        }
    }
}
