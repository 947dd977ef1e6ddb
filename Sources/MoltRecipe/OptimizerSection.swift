import MoltCore

package struct OptimizerSection: Codable, Hashable, Sendable {
    package var name: OptimizerName = .adamw
    package var learningRate: Double = 3e-4
    package var weightDecay: Double = 0.1
    package var betas: [Double] = [0.9, 0.95]
    package var epsilon: Double = 1e-8
    /// Largest global gradient norm; 0 switches clipping off.
    package var clip: Double = 1
    /// The learning rate of each layer is that of the layer above times this: the last layers learn at the full rate.
    package var layerDecay: Double = 1
    /// Parameters that differ; each follows the first group that matches it.
    package var groups: [Group] = []

    package enum OptimizerName: String, Codable, Sendable, CaseIterable { case adamw }

    package struct Group: Codable, Hashable, Sendable {
        /// Covers parameters, as `method.freeze` does.
        package var match: String
        package var learningRateScale: Double = 1
        /// Nil for that of all others.
        package var weightDecay: Double?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case match
            case learningRateScale = "lr_scale"
            case weightDecay = "weight_decay"
        }

        package init(match: String) { self.match = match }
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name, betas, clip, groups
        case learningRate = "lr"
        case weightDecay = "weight_decay"
        case epsilon = "eps"
        case layerDecay = "layer_decay"
    }

    package init() {}

    /// A recipe that was frozen before a key was known has that key's default.
    package init(from decoder: any Decoder) throws {
        let frozen = try decoder.container(keyedBy: CodingKeys.self)
        name = try frozen.decode(OptimizerName.self, forKey: .name)
        learningRate = try frozen.decode(Double.self, forKey: .learningRate)
        weightDecay = try frozen.decode(Double.self, forKey: .weightDecay)
        betas = try frozen.decode([Double].self, forKey: .betas)
        epsilon = try frozen.decode(Double.self, forKey: .epsilon)
        clip = try frozen.decode(Double.self, forKey: .clip)
        layerDecay = try frozen.decodeIfPresent(Double.self, forKey: .layerDecay) ?? 1
        groups = try frozen.decodeIfPresent([Group].self, forKey: .groups) ?? []
    }
}

extension OptimizerSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> OptimizerSection {
        var reader = SectionReader(
            tree, path: "optimizer", section: OptimizerSection(), keys: CodingKeys.self, problems: problems)
        let share = Reading<Double>.number(0...0.999_999_999, "a number from 0 to below 1")
        reader.read(.name, \.name, .choice)
        reader.read(.learningRate, \.learningRate, .number(0...1e3, "a number of at least 0 like 3e-4"))
        reader.read(.weightDecay, \.weightDecay, .number(0...1e3, "a number of at least 0 like 0.1"))
        reader.read(.betas, \.betas, .list(share, orSingle: false))
        reader.read(.epsilon, \.epsilon, .number(1e-30...1, "a small positive number like 1e-8"))
        reader.read(.clip, \.clip, .number(0...1e9, "a number of at least 0 (0 switches clipping off)"))
        reader.read(.layerDecay, \.layerDecay, .number(1e-3...1, "a number above 0 and at most 1 like 0.9"))
        reader.read(.groups, \.groups, .list(.optimizerGroup, orSingle: false))
        return reader.finished()
    }
}

extension Reading where Value == OptimizerSection.Group {
    static var optimizerGroup: Reading {
        Reading { tree throws(Failure) in
            guard let entries = tree.entries else {
                throw Failure(what: "expected a section like {match: embeddings, lr_scale: 0.1}, found \(tree.shown)")
            }
            var group = OptimizerSection.Group(match: "")
            for entry in entries {
                switch OptimizerSection.Group.CodingKeys(rawValue: entry.key) {
                case .match: group.match = try field(entry, .text)
                case .learningRateScale:
                    group.learningRateScale = try field(entry, .number(0...1e6, "a number of at least 0 like 0.1"))
                case .weightDecay:
                    group.weightDecay = try field(entry, .number(0...1e3, "a number of at least 0 like 0.1"))
                case nil:
                    throw Failure(
                        what: "unknown key '\(DisplayText.escaped(entry.key, limit: 64))'; a group has match, "
                            + "lr_scale and weight_decay", place: entry.place)
                }
            }
            guard !group.match.isEmpty else { throw Failure(what: "the group has no 'match'") }
            return group
        }
    }

    private static func field<Part>(_ entry: YAMLTree.Entry, _ reading: Reading<Part>) throws(Failure) -> Part {
        do throws(Reading<Part>.Failure) {
            return try reading.read(entry.value)
        } catch {
            throw Failure(what: "'\(entry.key)': \(error.what)", place: error.place ?? entry.place)
        }
    }
}
