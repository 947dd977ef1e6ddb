import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

/// Megatron's legacy checkpoints: shares of ranks are cut and joined without changing a bit.
@Suite(.serialized)
struct MegatronTests {
    private let folder = TemporaryFolder("megatron")

    static func section(_ change: (inout ModelSection) -> Void = { _ in }) throws -> ModelSection {
        try Folders.section(.nemotronH, "M-*M-") {
            ($0.mambaHeads, $0.groups, $0.stateSize) = (8, 8, 6)
            ($0.attentionHeads, $0.keyValueHeads) = (16, 8)
            ($0.gatedMLP, $0.rotaryShare) = (true, 0.5)
            change(&$0)
        }
    }

    @Test(arguments: [1, 2, 4, 8], [true, false])
    func aRoundTripIsExact(_ ranks: Int, _ gated: Bool) throws {
        let section = try Self.section {
            $0.gatedMLP = gated
            if !gated { ($0.activation, $0.feedForwardBias, $0.rotaryShare) = (.squaredReLU, true, 0) }
        }
        try Folders.write(section, to: folder("theirs"))
        let report = try ModelConversion.convert(
            folder("theirs"), to: folder("megatron"), .init(.megatron, ranks: ranks))
        #expect(report.sha256After == report.sha256Before)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder("megatron/release"))
        #expect(names.count == ranks)
        let back = try MegatronCheckpoint(folder("megatron"))
        let model = try Folders.model(section)
        #expect(back.tensors.count == model.registry.parameters.count)
        for parameter in model.registry.parameters {
            #expect(try back.read(parameter.name) == HostTensor(parameter.name, parameter.value))
        }
        #expect(back.section.pattern == section.pattern && back.section.activation == section.activation)
        #expect(back.section.rotaryShare == section.rotaryShare && back.section.gatedMLP == gated)
    }

    /// Four ranks of ours, loaded by torch and merged by a script that knows only Megatron's rules.
    @Test func whatTorchLoadsOfAnExportIsTheModel() throws {
        let merged = try SafetensorsFile(path: Exchange.read.get()("megatron.safetensors"))
        let model = try Folders.model(Self.section())
        func own(_ name: String) throws -> HostTensor {
            let parameter = try #require(model.registry["backbone.layers.\(name)"])
            return try HostTensor(name, parameter.value)
        }
        func theirs(_ name: String) throws -> HostTensor {
            try merged.read(#require(merged.header.entries.first { $0.name == "decoder.layers.\(name)" }))
        }
        #expect(try theirs("0.mixer.in_proj.weight").bytes == own("0.mixer.in_proj.weight").bytes)
        #expect(try theirs("3.mixer.conv1d.weight").bytes == own("3.mixer.conv1d.weight").bytes)
        #expect(try theirs("3.mixer.out_proj.weight").bytes == own("3.mixer.out_proj.weight").bytes)
        #expect(
            try theirs("1.mlp.linear_fc1.weight").bytes == own("1.mixer.gate_proj.weight").bytes
                + own("1.mixer.up_proj.weight").bytes)
        let (q, k, v) = (
            try own("2.mixer.q_proj.weight"), try own("2.mixer.k_proj.weight"), try own("2.mixer.v_proj.weight")
        )
        let row = 16 * 4
        let group = (0..<8).flatMap { group -> [UInt8] in
            Array(q.bytes[(group * 16 * row)..<((group + 1) * 16 * row)])
                + Array(k.bytes[(group * 8 * row)..<((group + 1) * 8 * row)])
                + Array(v.bytes[(group * 8 * row)..<((group + 1) * 8 * row)])
        }
        #expect(try theirs("2.self_attention.linear_qkv.weight").bytes == group)
    }

    /// Two stages of two ranks with the names of 2024, as torch saves them.
    @Test func aLegacyCheckpointOfAllRanksIsImported() throws {
        let path = try Exchange.written.get() + "/legacy"
        let truth = try SafetensorsFile(path: "\(path).safetensors")
        let found = try MegatronCheckpoint(path)
        #expect(Set(found.tensors.keys) == Set(truth.header.entries.map(\.name)))
        for entry in truth.header.entries {
            #expect(try found.read(entry.name) == truth.read(entry), "\(entry.name)")
        }
        #expect(found.section.pattern.description == "M*-M-" && found.section.activation == .squaredReLU)
        let report = try ModelConversion.convert(path, to: folder("ours"), .init(.molt))
        #expect(report.format == "megatron" && report.numericCheck?.isFinite == true && report.tokenizer == nil)
        #expect(report.renamed.contains { $0.from == ["decoder.layers.0.norm.weight"] })
    }

    /// NVIDIA's 8B checkpoints have it under a name of its own, beside the folder `release`.
    @Test func theTokenizerBesideTheRanksComesAlong() throws {
        let section = try Self.section()
        try Folders.write(section, to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("megatron"), .init(.megatron, ranks: 2))
        let piece: [UInt8] = [0x0A, 0x03, 0x0A, 0x01, 0x61]
        func write(_ count: Int) throws {
            let bytes = [[UInt8]](repeating: piece, count: count).flatMap { $0 }
            try DurableFile.write(Data(bytes), to: folder("megatron/multilingual_256k.model"))
        }
        try write(40)
        _ = try ModelConversion.convert(folder("megatron"), to: folder("ours"), .init(.molt))
        #expect(try DurableFile.read(folder("ours/tokenizer.model")).count == 200)
        try write(41)
        let error = #expect(throws: UserError.self) { try MegatronCheckpoint(folder("megatron")) }
        #expect(error?.what.contains("the tokenizer has 41 token ids, the embeddings have 40 rows") == true)
        #expect(error?.location == folder("megatron/multilingual_256k.model"))
    }

    @Test func aRankThatIsMissingIsNamed() throws {
        try Folders.write(Self.section(), to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("megatron"), .init(.megatron, ranks: 4))
        try FileManager.default.removeItem(atPath: folder("megatron/release/mp_rank_02"))
        let error = #expect(throws: UserError.self) { try MegatronCheckpoint(folder("megatron")) }
        #expect(error?.what.contains("the file of rank 2, stage 0 of 4 × 1 is missing") == true)
    }

    /// What is left looks like a whole model of half the width.
    @Test func theLastRankThatIsMissingIsMissedToo() throws {
        try Folders.write(Self.section(), to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("megatron"), .init(.megatron, ranks: 2))
        try FileManager.default.removeItem(atPath: folder("megatron/release/mp_rank_01"))
        let error = #expect(throws: UserError.self) { try MegatronCheckpoint(folder("megatron")) }
        #expect(error?.what.contains("the files of 1 of 2 ranks are there") == true)
    }

    struct Loss: Sendable, CustomStringConvertible {
        let description: String
        let change: @Sendable (inout ModelSection) -> Void
    }

    static let losses = [
        Loss(description: "activation") { ($0.gatedMLP, $0.activation) = (false, .silu) },
        Loss(description: "activation") { $0.activation = .geluTanh },
        Loss(description: "attention_multiplier") { $0.attentionScale = 0.3 },
        Loss(description: "attention_softcap") { $0.attentionSoftcap = 20 },
        Loss(description: "rope_factor, rope_scaling") { ($0.rotaryScaling, $0.rotaryFactor) = (.linear, 4) },
        Loss(description: "norm_before_gate") { $0.normBeforeGate = true },
    ]

    /// Weights alone would come back the same, and score otherwise.
    @Test(arguments: losses, [ModelConversion.Layout.megatron, .distributed, .nemo])
    func whatItsArgumentsCannotSayIsRefused(_ loss: Loss, _ layout: ModelConversion.Layout) throws {
        let section = try Self.section {
            $0.family = .hybrid
            loss.change(&$0)
        }
        try Folders.write(section, to: folder("theirs"))
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("theirs"), to: folder("out.nemo"), .init(layout))
        }
        #expect(error?.what.contains("no place for this model's \(loss)") == true, "\(String(describing: error))")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["theirs"])
    }

    @Test(arguments: [(3, "8 "), (16, "8 ")])
    func ranksThatCannotShareAreRefused(_ ranks: Int, _ expected: String) throws {
        try Folders.write(Self.section(), to: folder("theirs"))
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(.megatron, ranks: ranks))
        }
        #expect(error?.what.contains("cannot be shared by \(ranks) ranks") == true)
        #expect(!FileManager.default.fileExists(atPath: folder("out")))
    }
}
