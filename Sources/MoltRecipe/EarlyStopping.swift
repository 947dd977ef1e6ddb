import MoltCore

/// When a run ends before its last step, because validation no longer improves.
package struct EarlyStopping: Codable, Hashable, Sendable {
    /// Validations in a row that may pass without improvement.
    package var patience: Int = 3
    /// What counts as one: a loss lower than the best by more than this.
    package var minimumDelta: Double = 0

    enum CodingKeys: String, CodingKey, CaseIterable {
        case patience
        case minimumDelta = "min_delta"
    }

    package init() {}
}

extension EarlyStopping {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> EarlyStopping? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "train.early_stopping", section: EarlyStopping(), keys: CodingKeys.self, problems: problems)
        reader.read(.patience, \.patience, .count(1...1_000_000))
        reader.read(.minimumDelta, \.minimumDelta, .number(0...1e6, "a number of at least 0 like 0.001"))
        return reader.finished()
    }
}
