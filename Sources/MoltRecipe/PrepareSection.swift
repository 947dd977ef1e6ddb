/// What `task: prepare` makes of `data.train`.
package struct PrepareSection: Codable, Hashable, Sendable {
    /// The folder to make, on the file system that the nodes share.
    package var out: String
    /// Share of the documents for validation, chosen by their hash.
    package var validation: Double = 0
    package var deduplicate: Bool = false
    package var bytesMin: Int?
    package var bytesMax: Int?
    package var tokensMin: Int?
    package var tokensMax: Int?
    /// Conditions on the fields of a line, like `lang=en`.
    package var conditions: [String] = []
    package var textUnit: TextUnit = .file
    /// Counts malformed lines and passes over them.
    package var skipBad: Bool = false
    package var lineBytesMax: Int = 64 << 20
    /// Bytes of input that are done or not done after a kill; nil chooses.
    package var unitBytes: Int?
    /// Tokens after which a shard ends; nil chooses.
    package var shardTokens: Int?

    package enum TextUnit: String, Codable, Sendable, CaseIterable { case file, line }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case out, validation, deduplicate
        case bytesMin = "min_bytes"
        case bytesMax = "max_bytes"
        case tokensMin = "min_tokens"
        case tokensMax = "max_tokens"
        case conditions = "where"
        case textUnit = "text_unit"
        case skipBad = "skip_bad"
        case lineBytesMax = "max_line_bytes"
        case unitBytes = "unit_bytes"
        case shardTokens = "shard_tokens"
    }

    package init(out: String) {
        self.out = out
    }

    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> PrepareSection? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "prepare", section: PrepareSection(out: ""), keys: CodingKeys.self, problems: problems)
        let count = Reading<Int>.count(1...(1 << 53))
        reader.need(.out, \.out, .path)
        reader.read(.validation, \.validation, .number(0...0.999_999, "a share from 0 to below 1, like 0.005"))
        reader.read(.deduplicate, \.deduplicate, .flag)
        reader.read(.bytesMin, \.bytesMin, count)
        reader.read(.bytesMax, \.bytesMax, count)
        reader.read(.tokensMin, \.tokensMin, count)
        reader.read(.tokensMax, \.tokensMax, count)
        reader.read(.conditions, \.conditions, .list(.text))
        reader.read(.textUnit, \.textUnit, .choice)
        reader.read(.skipBad, \.skipBad, .flag)
        reader.read(.lineBytesMax, \.lineBytesMax, .bytes)
        reader.read(.unitBytes, \.unitBytes, .bytes)
        reader.read(.shardTokens, \.shardTokens, count)
        return reader.finished()
    }
}
