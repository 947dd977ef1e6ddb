package import MoltCore
package import MoltNN
package import MoltOptim
package import MoltRecipe

/// How fast each parameter learns and decays: `optimizer.layer_decay` and `optimizer.groups`.
///
/// With a layer decay g, the last of L layers and what stands after them learn at the full rate, layer l at g^(L−1−l)
/// of it, and the embeddings at g^L (Clark et al. 2020).
package struct OptimizerGroups {
    private let section: OptimizerSection
    private let layers: Int

    /// - Throws: when a group covers no parameter that is trained.
    package init(
        _ section: OptimizerSection, _ parameters: [Parameter], all names: [String]
    ) throws(UserError) {
        self.section = section
        layers = (names.compactMap(Self.layer).max() ?? -1) + 1
        for (index, group) in section.groups.enumerated() {
            guard parameters.contains(where: { ModulePattern(group.match).covers($0.name) }) else {
                throw UserError(
                    "no trained parameter is covered by '\(DisplayText.escaped(group.match, limit: 64))'",
                    at: "optimizer.groups, item \(index + 1)",
                    fix: "name a part of a name such as embeddings or A_log, or a pattern over whole names")
            }
        }
    }

    package func callAsFunction(_ parameter: Parameter) -> AdamW.Group {
        var group = AdamW.Group(
            learningRateScale: scale(parameter.name), weightDecay: parameter.decays ? section.weightDecay : 0)
        if let own = section.groups.first(where: { ModulePattern($0.match).covers(parameter.name) }) {
            group.learningRateScale *= own.learningRateScale
            if let decay = own.weightDecay { group.weightDecay = decay }
        }
        return group
    }

    private func scale(_ name: String) -> Double {
        guard section.layerDecay != 1, layers > 0 else { return 1 }
        let isEmbedding = name.split(separator: ".").contains { $0.hasPrefix("embed") || $0 == "prompt_encoder" }
        let below = Self.layer(name).map { layers - 1 - $0 } ?? (isEmbedding ? layers : 0)
        return (0..<below).reduce(1) { scale, _ in scale * section.layerDecay }
    }

    /// The layer in whose place a parameter stands: the number after `layers`.
    private static func layer(_ name: String) -> Int? {
        let parts = name.split(separator: ".")
        guard let index = parts.firstIndex(of: "layers"), index + 1 < parts.count else { return nil }
        return Int(parts[index + 1])
    }
}
