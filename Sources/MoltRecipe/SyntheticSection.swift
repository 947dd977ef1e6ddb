import MoltCore

/// Sequences that are made in place of read ones, for studies of what an architecture can learn.
package struct SyntheticSection: Codable, Hashable, Sendable {
    package var task: Kind = .recall
    /// Pairs of a recall sequence, entries of a phone book: one number, or the least and the most.
    package var size: [Int] = [16]
    /// Of a recall: how many different keys and values there are, the first ids of the vocabulary.
    package var keys: Int = 64
    package var values: Int = 64
    /// Of a sequence; when nil, as many as a recall has pairs, and three of a phone book.
    package var queries: Int?
    /// Of a number in the phone book.
    package var digits: Int = 10

    package enum Kind: String, Codable, Sendable, CaseIterable {
        case recall
        case phoneBook = "phone-book"
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case task, size, keys, values, queries, digits }

    package init() {}

    /// The least and the most; nil when the list is not one or two rising numbers.
    package var range: ClosedRange<Int>? {
        guard let low = size.first, let high = size.last, size.count <= 2, 1 <= low, low <= high else { return nil }
        return low...high
    }

    /// What is wrong with the numbers together.
    package var problem: String? {
        guard let range else { return "'size' is a number, or the least and the most like [4, 16]" }
        guard task == .recall, range.upperBound > keys else { return nil }
        return "\(range.upperBound) pairs need as many keys, and there are \(keys)"
    }
}

extension SyntheticSection {
    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> SyntheticSection? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "data.synthetic", section: SyntheticSection(), keys: CodingKeys.self, problems: problems)
        reader.read(.task, \.task, .choice)
        reader.read(.size, \.size, .list(.count(1...(1 << 20))))
        reader.read(.keys, \.keys, .count(1...(1 << 20)))
        reader.read(.values, \.values, .count(1...(1 << 20)))
        reader.read(.queries, \.queries, .count(1...(1 << 20)))
        reader.read(.digits, \.digits, .count(1...1000))
        let section = reader.finished()
        if let problem = section.problem, !problems.isReported("data.synthetic") {
            problems.add(problem, at: tree.place, key: "data.synthetic.size")
        }
        return section
    }
}
