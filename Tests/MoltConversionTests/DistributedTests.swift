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

/// Distributed checkpoints (torch_dist): an index, and parts of tensors that any ranks wrote.
@Suite(.serialized)
struct DistributedTests {
    private let folder = TemporaryFolder("distributed")

    @Test func aRoundTripIsExact() throws {
        let section = try MegatronTests.section()
        try Folders.write(section, to: folder("theirs"))
        let report = try ModelConversion.convert(folder("theirs"), to: folder("dist"), .init(.distributed))
        #expect(report.sha256After == report.sha256Before)
        let back = try DistributedCheckpoint(folder("dist"))
        let model = try Folders.model(section)
        for parameter in model.registry.parameters {
            #expect(try back.read(parameter.name) == HostTensor(parameter.name, parameter.value))
        }
        let names = try #require(back.tensors["backbone.layers.0.mixer.in_proj.weight"]).names
        #expect(names == ["z", "x", "B", "C", "dt"].map { "decoder.layers.0.mixer.in_proj.weight.\($0)" })
        #expect(try ModelConversion.compare(folder("dist"), with: folder("theirs")).isEqual)
    }

    /// What `torch.distributed.checkpoint` makes of ours, in bf16.
    @Test func torchLoadsAnExport() throws {
        let loaded = try SafetensorsFile(path: Exchange.read.get()("distributed.safetensors"))
        let model = try Folders.model(MegatronTests.section())
        func theirs(_ name: String) throws -> HostTensor {
            try loaded.read(#require(loaded.header.entries.first { $0.name == "decoder.layers.\(name)" }))
        }
        let parameter = try #require(model.registry["backbone.layers.0.mixer.in_proj.weight"])
        let own = try HostTensor("", parameter.value).converted(to: .bfloat16)
        let parts = try ["z", "x", "B", "C", "dt"].map { try theirs("0.mixer.in_proj.weight.\($0)") }
        #expect(parts.flatMap(\.bytes) == own.bytes)
        #expect(parts.map { $0.shape[0] } == [64, 64, 48, 48, 8])
    }

    @Test func whatTorchWroteIsImported() throws {
        let root = try Exchange.written.get()
        let truth = try SafetensorsFile(path: "\(root)/legacy.safetensors")
        let found = try DistributedCheckpoint("\(root)/distributed")
        #expect(Set(found.tensors.keys) == Set(truth.header.entries.map(\.name)))
        for entry in truth.header.entries {
            #expect(try found.read(entry.name) == truth.read(entry), "\(entry.name)")
        }
        #expect(try ModelConversion.compare("\(root)/distributed", with: "\(root)/legacy").isEqual)
    }

    @Test func aFileThatIsCutOffIsNamed() throws {
        try Folders.write(MegatronTests.section(), to: folder("theirs"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("dist"), .init(.distributed))
        let path = folder("dist/release/__0_0.distcp")
        try DurableFile.write(try DurableFile.read(path).prefix(5000), to: path)
        let error = #expect(throws: UserError.self) { try ModelConversion.verify(folder("dist")) }
        #expect(error?.what.contains("the file ends before") == true && error?.location == path)
    }

    /// Parts of a matrix that four ranks wrote, in any order.
    @Test func partsAreLaidWhereTheyBelong() {
        let whole = (0..<24).map { UInt8($0) }
        var assembly = ChunkAssembly(shape: [4, 3, 2], size: 1)
        for (row, column) in [(2, 0), (0, 1), (0, 0), (2, 1)] {
            let columns = column == 0 ? 0..<1 : 1..<3
            var bytes: [UInt8] = []
            for row in row..<(row + 2) {
                for column in columns {
                    let start = row * 6 + column * 2
                    bytes += whole[start..<(start + 2)]
                }
            }
            #expect(!assembly.isWhole)
            let part = HostTensor(name: "", type: .uint8, shape: [2, columns.count, 2], bytes: bytes)
            let fits = assembly.put(part, at: [row, columns.lowerBound, 0])
            #expect(fits)
        }
        #expect(assembly.isWhole && assembly.bytes == whole)
        let outside = HostTensor(name: "", type: .uint8, shape: [2, 3, 2], bytes: Array(whole.prefix(12)))
        let fits = assembly.put(outside, at: [3, 0, 0])
        #expect(!fits)
        // A part twice, and as many numbers as the whole has, are not the whole.
        var doubled = ChunkAssembly(shape: [4, 3, 2], size: 1)
        let first = doubled.put(outside, at: [0, 0, 0]), again = doubled.put(outside, at: [0, 0, 0])
        #expect(first && !again && !doubled.isWhole)
    }
}

/// mamba_ssm's folders, written.
@Suite(.serialized)
struct StateSpacesTests {
    private let folder = TemporaryFolder("state-spaces")

    static func section() throws -> ModelSection {
        try Folders.section(.mamba2, "M*M") {
            $0.tiedEmbeddings = true
            ($0.attentionConvolution, $0.rotaryShare) = (3, 0.5)
        }
    }

    @Test func aRoundTripIsExactAndTorchLoadsIt() throws {
        let section = try Self.section()
        try Folders.write(section, to: folder("theirs"))
        let report = try ModelConversion.convert(folder("theirs"), to: folder("bin"), .init(.stateSpaces))
        #expect(report.sha256After == report.sha256Before)
        let comparison = try ModelConversion.compare(folder("theirs"), with: folder("bin"))
        #expect(comparison.isEqual && comparison.equal == report.tensorsRead, "\(comparison)")
        let loaded = try SafetensorsFile(path: Exchange.read.get()("state-spaces.safetensors"))
        for parameter in try Folders.model(section).registry.parameters {
            let name = parameter.name.replacing("embeddings", with: "embedding")
            let entry = try #require(loaded.header.entries.first { $0.name == name })
            #expect(try loaded.read(entry).bytes == HostTensor(name, parameter.value).bytes)
        }
        #expect(loaded.header.entries.contains { $0.name == "lm_head.weight" })
    }

    @Test func modelsThatDifferAreToldApart() throws {
        try Folders.write(Folders.section(), to: folder("a"))
        try Folders.write(Folders.section(), to: folder("b"))
        try Folders.rewrite(folder("b/model.safetensors")) { tensors in
            for index in tensors.indices where tensors[index].name == "backbone.norm_f.weight" {
                tensors[index].bytes.replaceSubrange(0..<4, with: [0, 0, 0, 0x40])
            }
        }
        let comparison = try ModelConversion.compare(folder("a"), with: folder("b"))
        #expect(!comparison.isEqual && comparison.different.map(\.name) == ["backbone.norm_f.weight"])
        #expect(comparison.different.first?.maxDifference == 1)
    }

    @Test func aModelThatMambaSSMHasNoLayersForIsRefused() throws {
        try Folders.write(Folders.section(), to: folder("theirs"))
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("theirs"), to: folder("bin"), .init(.stateSpaces))
        }
        #expect(error?.what.contains("mamba_ssm has no model with these layers") == true)
    }
}
