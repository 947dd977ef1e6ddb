import MoltCore

/// What training makes better.
package struct ObjectiveSection: Codable, Hashable, Sendable {
    package var type: ObjectiveType = .nextToken
    /// How far DPO lets the model go from the reference: the larger, the less.
    package var beta: Double = 0.1
    /// The share of pairs that are labelled the wrong way round.
    package var labelSmoothing: Double = 0

    package enum ObjectiveType: String, Codable, Sendable, CaseIterable {
        case nextToken = "next_token"
        case dpo
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case type, beta
        case labelSmoothing = "label_smoothing"
    }

    package init() {}
}

extension ObjectiveSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> ObjectiveSection? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "objective", section: ObjectiveSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.type, \.type, .choice)
        reader.read(.beta, \.beta, .number(1e-6...1e3, "a positive number like 0.1"))
        reader.read(.labelSmoothing, \.labelSmoothing, .number(0...0.499, "a number from 0 to below 0.5"))
        return reader.finished()
    }
}
