package import MoltCore
package import MoltRecipe

extension PEFTAdapter {
    /// Linears that peft (0.21) adapts in no model of a type, whatever an adapter's configuration says.
    private static let refused: [ModelSection.Family: Set<String>] = [
        .mamba2: ["out_proj"], .nemotronH: ["out_proj"],
    ]

    /// Why peft will not load the adapter into a model of the family, and what to do; nil where it loads it.
    package func obstacle(_ family: ModelSection.Family) -> UserError? {
        guard config.peftType == "LORA", let names = Self.refused[family], case .list(let modules)? = config.targets
        else { return nil }
        let lost = modules.filter { names.contains($0.lastComponent(behind: ".")) }
        guard let first = lost.first else { return nil }
        return UserError(
            "peft refuses adapters of \(names.sorted().joined(separator: ", ")) in models of the type "
                + "\(family.rawValue), and \(lost.count) of these \(modules.count) are such: "
                + "\(first)\(lost.count > 1 ? " …" : "")",
            fix: "use the whole model instead ('molt model adapter merge', 'molt model export --format hf'), or train "
                + "without them in method.targets")
    }
}

extension String {
    fileprivate func lastComponent(behind mark: Character) -> String {
        lastIndex(of: mark).map { String(self[index(after: $0)...]) } ?? self
    }
}
