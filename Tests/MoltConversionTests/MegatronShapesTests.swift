import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

/// Models of every shape that Megatron's layouts hold go there and come back without a changed bit; others are refused.
@Suite(.serialized)
struct MegatronShapesTests {
    private let folder = TemporaryFolder("shapes")

    struct Shape: Sendable, CustomStringConvertible {
        let description: String
        var family = ModelSection.Family.nemotronH
        let pattern: String
        /// The most ranks that can share it; those above are refused for `obstacle`.
        var ranks = 8
        var obstacle = ""
        let change: @Sendable (inout ModelSection) -> Void

        func section() throws -> ModelSection {
            try Folders.section(family, pattern) {
                ($0.mambaHeads, $0.groups, $0.stateSize, $0.activation) = (8, 8, 6, .squaredReLU)
                ($0.attentionHeads, $0.keyValueHeads, $0.attentionHeadSize) = (16, 8, 4)
                change(&$0)
            }
        }
    }

    static let shapes = [
        Shape(description: "tied Mamba-2", family: .mamba2, pattern: "MM") { $0.tiedEmbeddings = true },
        Shape(
            description: "Mamba-2 of one group", family: .mamba2, pattern: "MM", ranks: 1,
            obstacle: "1 groups of B in decoder.layers.0.mixer.in_proj.weight"
        ) { ($0.tiedEmbeddings, $0.groups) = (true, 1) },
        Shape(description: "Mamba-2 hybrid 8B", pattern: "M-M*-M") {
            ($0.activation, $0.stateSize, $0.chunkSize) = (.gelu, 16, 8)
        },
        Shape(
            description: "two groups", pattern: "MM*-", ranks: 2,
            obstacle: "2 groups of B in decoder.layers.0.mixer.in_proj.weight"
        ) { $0.groups = 2 },
        Shape(description: "Nemotron-H", pattern: "M-M-M*-M-") { $0.rotaryShare = 0 },
        Shape(
            description: "few keys", pattern: "M*", ranks: 4,
            obstacle: "4 groups of queries of decoder.layers.1.self_attention.linear_qkv.weight"
        ) { $0.keyValueHeads = 4 },
        Shape(description: "a key for each query", pattern: "M*-") { $0.attentionHeads = 8 },
        Shape(description: "an inner width of six times", pattern: "M-*") {
            ($0.mambaHeads, $0.mambaHeadSize) = (24, 4)
        },
        Shape(description: "odd sizes", pattern: "M-*M") {
            ($0.hiddenSize, $0.mambaHeads, $0.mambaHeadSize, $0.stateSize) = (20, 8, 12, 5)
            ($0.attentionHeadSize, $0.feedForwardSize, $0.convolutionKernel) = (12, 56, 3)
        },
        Shape(description: "stages, gates and a tied head", family: .hybrid, pattern: "M-|*M") {
            ($0.gatedMLP, $0.activation, $0.tiedEmbeddings, $0.rotaryShare) = (true, .silu, true, 0.5)
        },
        Shape(description: "biases", pattern: "M*-") {
            ($0.attentionBias, $0.attentionOutputBias, $0.feedForwardBias) = (true, true, true)
        },
    ]

    private func expect(_ back: any ModelWeights, toBe section: ModelSection) throws {
        let model = try Folders.model(section)
        #expect(back.tensors.count == model.registry.parameters.count)
        for parameter in model.registry.parameters {
            #expect(try back.read(parameter.name) == HostTensor(parameter.name, parameter.value), "\(parameter.name)")
        }
        #expect(ModelComparison.configuration(section, back.section).isEmpty)
        #expect(back.assumed.isEmpty)
    }

    @Test(arguments: shapes, [1, 2, 4, 8])
    func sharesOfRanksComeBackBitForBit(_ shape: Shape, _ ranks: Int) throws {
        let section = try shape.section()
        try Folders.write(section, to: folder("theirs"))
        let convert = {
            try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(.megatron, ranks: ranks))
        }
        guard ranks <= shape.ranks else {
            let error = #expect(throws: UserError.self) { try convert() }
            #expect(error?.what == "\(shape.obstacle) cannot be shared by \(ranks) ranks")
            #expect(!FileManager.default.fileExists(atPath: folder("out")))
            return
        }
        _ = try convert()
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("out/release")).count == ranks)
        try expect(MegatronCheckpoint(folder("out")), toBe: section)
    }

    @Test(arguments: shapes)
    func aDistributedCheckpointComesBackBitForBit(_ shape: Shape) throws {
        let section = try shape.section()
        try Folders.write(section, to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(.distributed))
        try expect(DistributedCheckpoint(folder("out")), toBe: section)
    }

    static let refused: [(Shape, String)] = [
        (
            Shape(description: "experts", family: .granite, pattern: "ME*E") {
                ($0.experts, $0.expertsPerToken, $0.expertSize, $0.sharedExpertSize) = (2, 1, 8, 8)
                ($0.activation, $0.gatedMLP) = (.silu, true)
            }, "'family: nemotron_h' or 'mamba2', not experts"
        ),
        (
            Shape(description: "Bamba", family: .bamba, pattern: "M-*-") {
                ($0.activation, $0.gatedMLP, $0.rotaryShare) = (.silu, true, 0.5)
            }, "not those of 'bamba'"
        ),
        (
            Shape(description: "attention of mamba_ssm", family: .mamba2, pattern: "M*M") {
                $0.attentionConvolution = 3
            }, "not mamba_ssm's attention layers"
        ),
        (Shape(description: "biases of Mamba-2", pattern: "M-") { $0.mambaBias = true }, "biases or multipliers"),
        (
            Shape(description: "no bias of the convolution", pattern: "M-") { $0.convolutionBias = false },
            "biases or multipliers"
        ),
        (
            Shape(description: "a norm of its own groups", family: .hybrid, pattern: "M-") { $0.gatedNormGroups = 2 },
            "no place for this model's gated_norm_groups"
        ),
        (
            Shape(description: "steps that are held", pattern: "M-") { $0.stepMinimum = 0.5 },
            "no place for this model's time_step_min"
        ),
    ]

    @Test(arguments: refused, [ModelConversion.Layout.megatron, .distributed])
    func whatMegatronHasNoLayersForIsRefused(
        _ refused: (shape: Shape, expected: String), _ layout: ModelConversion.Layout
    ) throws {
        try Folders.write(refused.shape.section(), to: folder("theirs"))
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(layout))
        }
        #expect(error?.what.contains(refused.expected) == true, "\(String(describing: error))")
        #expect(error?.fix?.contains("--format hf") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["theirs"])
    }

    // MARK: - What the files do not say

    static let places = [
        (ModelConversion.Layout.megatron, "out", "/release/mp_rank_00/model_optim_rng.pt"),
        (.distributed, "out", "/release/common.pt"), (.nemo, "out.nemo", ""),
    ]

    /// Gives keys other names of the same length.
    private func forget(_ keys: [String], in path: String) throws {
        var bytes = Array(try DurableFile.read(path))
        for key in keys { bytes = bytes.replacing(Array(key.utf8), with: Array("x\(key.dropFirst())".utf8)) }
        try DurableFile.write(Data(bytes), to: path)
    }

    private static let groupKeys = ["mamba_num_groups", "mamba_ssm_ngroups"]

    @Test(arguments: places)
    func groupsThatAreNotSaidAreAssumedAndReported(
        _ layout: ModelConversion.Layout, _ out: String, _ file: String
    ) throws {
        let section = try Self.shapes[2].section()
        try Folders.write(section, to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder(out), .init(layout))
        try forget(Self.groupKeys + ["mamba_state_dim"], in: folder(out) + file)
        let report = try ModelConversion.verify(folder(out))
        #expect(report.assumed == ["8 groups of 16 states (mamba_num_groups)"])
        #expect(try ModelConversion.compare(folder(out), with: folder("theirs")).isEqual)
        let rest = ["norm_epsilon", "layernorm_epsilon", "position_embedding_type"]
        try forget(rest + ["squared_relu", "swiglu", "activation"], in: folder(out) + file)
        #expect(
            try ModelConversion.verify(folder(out)).assumed.dropFirst() == [
                "an epsilon of 1e-05 in norms (norm_epsilon)", "the activation gelu (squared_relu, swiglu)",
                "no rotary positions (position_embedding_type)",
            ])
    }

    /// The size of the state decides, even against Megatron's default.
    @Test func groupsFollowFromTheSizeOfTheState() throws {
        let section = try Self.shapes[3].section()
        try Folders.write(section, to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(.megatron))
        try forget(Self.groupKeys, in: folder("out/release/mp_rank_00/model_optim_rng.pt"))
        let back = try MegatronCheckpoint(folder("out"))
        #expect(back.section.groups == 2 && back.section.stateSize == 6 && back.assumed.isEmpty)
    }

    @Test func groupsThatCannotBeAssumedAreAskedFor() throws {
        let section = try Folders.section(.nemotronH, "M-") { ($0.groups, $0.activation) = (4, .gelu) }
        try Folders.write(section, to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(.megatron))
        try forget(Self.groupKeys + ["mamba_state_dim"], in: folder("out/release/mp_rank_00/model_optim_rng.pt"))
        let error = #expect(throws: UserError.self) { try MegatronCheckpoint(folder("out")) }
        #expect(error?.what.contains("do not say how many groups") == true, "\(String(describing: error))")
        #expect(error?.what.contains("8 cannot divide 4 heads") == true)
        #expect(error?.fix?.contains("mamba_num_groups") == true)
    }
}
