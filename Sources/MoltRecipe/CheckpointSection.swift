import MoltCore

package struct CheckpointSection: Codable, Hashable, Sendable {
    /// Seconds between periodic saves; nil when `everySteps` decides alone.
    package var every: Double? = 600
    package var everySteps: Int?
    /// Newest verified checkpoints to keep; never fewer than two are.
    package var keep: Int = 3
    /// Steps between checkpoints that stay for good; nil for none. The one with the lowest validation loss stays, too.
    package var milestones: Int?
    /// Saves whenever a validation during training was the best so far.
    package var savesBest: Bool = true

    enum CodingKeys: String, CodingKey, CaseIterable {
        case every, keep, milestones
        case everySteps = "every_steps"
        case savesBest = "save_best"
    }

    package init() {}

    /// A recipe that was frozen before a key was known has that key's default.
    package init(from decoder: any Decoder) throws {
        let frozen = try decoder.container(keyedBy: CodingKeys.self)
        every = try frozen.decodeIfPresent(Double.self, forKey: .every)
        everySteps = try frozen.decodeIfPresent(Int.self, forKey: .everySteps)
        keep = try frozen.decode(Int.self, forKey: .keep)
        milestones = try frozen.decodeIfPresent(Int.self, forKey: .milestones)
        savesBest = try frozen.decodeIfPresent(Bool.self, forKey: .savesBest) ?? true
    }
}

extension CheckpointSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> CheckpointSection {
        var reader = SectionReader(
            tree, path: "checkpoint", section: CheckpointSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.every, \.every, .duration)
        reader.read(.everySteps, \.everySteps, .count(1...(1 << 40)))
        reader.read(.keep, \.keep, .count(1...100_000))
        reader.read(.milestones, \.milestones, .count(1...(1 << 40)))
        reader.read(.savesBest, \.savesBest, .flag)
        return reader.finished()
    }
}
