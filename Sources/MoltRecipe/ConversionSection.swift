/// The layout in which `task: convert` writes the model of `init_from`.
package struct ConversionSection: Codable, Hashable, Sendable {
    package var format: Layout
    /// The folder to make, or the file (nemo), on the file system that the nodes share.
    package var out: String
    package var dtype: WeightType = .keep
    /// Bytes of a file of weights at most (hf); nil chooses.
    package var shardBytes: Int?
    /// Ranks that each matrix is cut over (megatron, nemo).
    package var tensorParallel: Int = 1

    package enum Layout: String, Codable, Sendable, CaseIterable {
        case molt, hf, megatron, distributed, nemo
        case stateSpaces = "state-spaces"
    }

    /// The type that weights are written in.
    package enum WeightType: String, Codable, Sendable, CaseIterable { case keep, fp32, bf16, fp16 }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case format, out, dtype
        case shardBytes = "shard_bytes"
        case tensorParallel = "tensor_parallel"
    }

    package init(format: Layout, out: String) {
        self.format = format
        self.out = out
    }

    static func read(_ tree: YAMLTree?, _ problems: ProblemList) -> ConversionSection? {
        guard let tree, !tree.isNull else { return nil }
        var reader = SectionReader(
            tree, path: "conversion", section: ConversionSection(format: .hf, out: ""), keys: CodingKeys.self,
            problems: problems)
        reader.need(.format, \.format, .choice)
        reader.need(.out, \.out, .path)
        reader.read(.dtype, \.dtype, .choice)
        reader.read(.shardBytes, \.shardBytes, .bytes)
        reader.read(.tensorParallel, \.tensorParallel, .count(1...WorkLimits.cutsMax))
        return reader.finished()
    }
}
