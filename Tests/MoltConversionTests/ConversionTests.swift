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

/// From one layout to another and back: not a bit of any weight changes, and no weight is made up.
struct ConversionTests {
    private let folder = TemporaryFolder("convert")

    static let ownFamilies: [(ModelSection.Family, String)] = [
        (.mamba2, "MM*"), (.samba, "1-W-"), (.mambaformer, "1*-"), (.hybrid, "MS-Z*E1R-W"),
    ]

    @Test(arguments: ownFamilies)
    func whatTransformersHasNoClassForKeepsItsSizesAndWeights(_ family: ModelSection.Family, _ pattern: String) throws
    {
        let section = try Folders.section(family, pattern) {
            $0.attentionConvolution = family == .mamba2 ? 3 : 0
            ($0.experts, $0.expertsPerToken, $0.expertSize) = (3, 2, 8)
            $0.rotaryShare = 0.5
        }
        try Folders.write(section, to: folder("own"))
        let back = try HuggingFaceFolder(folder("own"))
        let model = try Folders.model(section)
        #expect(back.section == section)
        for parameter in model.registry.parameters {
            #expect(try back.read(parameter.name) == HostTensor(parameter.name, parameter.value))
        }
    }

    @Test func anImportIsACheckpointAndAnExportOfItIsTheSameFolder() throws {
        try Folders.write(Folders.section(), to: folder("theirs"), shardBytes: 4000)
        try DurableFile.write(Data(#"{"model":{"vocab":{"a":1}}}"#.utf8), to: folder("theirs/tokenizer.json"))
        let report = try ModelConversion.convert(folder("theirs"), to: folder("ours"), .init(.molt))
        #expect(report.sha256After == report.sha256Before && report.numericCheck?.isFinite == true)
        #expect(report.tensorsRead == report.types["F32"] && report.missing.isEmpty && report.unused.isEmpty)
        let back = try ModelConversion.convert(folder("ours"), to: folder("back"), .init(.hf))
        #expect(back.sha256After == report.sha256After && back.format == "molt" && back.obstacle == nil)
        let (a, b) = (try HuggingFaceFolder(folder("theirs")), try HuggingFaceFolder(folder("back")))
        for name in a.tensors.keys { #expect(try a.read(name) == b.read(name)) }
        #expect(FileManager.default.contents(atPath: folder("back/tokenizer.json")) != nil)
        #expect(FileManager.default.contents(atPath: folder("back/generation_config.json")) != nil)
    }

    /// A run keeps its tokenizer under the start of its hash; an export has it under the name that tools look for.
    @Test(arguments: [
        ("own.json", "tokenizer.json", #"{"model":{"vocab":{"a":1}}}"#),
        ("own.model", "tokenizer.model", "\u{A}\u{3}\u{A}\u{1}a"),
    ])
    func anExportOfARunHasItsTokenizerBesideIt(_ kept: String, _ expected: String, _ text: String) throws {
        try Folders.write(Folders.section(), to: folder("theirs"))
        let text = Data(text.utf8)
        try DurableFile.write(text, to: folder("theirs/\(expected)"))
        for name in ["run", "run/checkpoints", "run/tokenizer", "run/tokenizer/0123456789abcdef"] {
            try DurableFile.makeFolder(folder(name))
        }
        let checkpoint = folder("run/checkpoints/step-00000003-e1")
        _ = try ModelConversion.convert(folder("theirs"), to: checkpoint, .init(.molt))
        try FileManager.default.moveItem(
            atPath: "\(checkpoint)/\(expected)", toPath: folder("run/tokenizer/0123456789abcdef/\(kept)"))
        var manifest = try JSONFile.read(CheckpointManifest.self, from: "\(checkpoint)/manifest.json")
        #expect(manifest.state["tokenizer"] == expected)
        manifest.state["tokenizer"] = "\(kept)@sha256:0123456789abcdef\(String(repeating: "0", count: 48))"
        try DurableFile.write(manifest.encoded(), to: "\(checkpoint)/manifest.json")
        for (layout, out) in [(ModelConversion.Layout.hf, "hf"), (.molt, "molt")] {
            _ = try ModelConversion.convert(checkpoint, to: folder(out), .init(layout))
            #expect(try DurableFile.read(folder("\(out)/\(expected)")) == text)
        }
        #expect(try CheckpointSource(folder("molt"), key: "").weights().tokenizer == folder("molt/\(expected)"))
    }

    /// The name of a tiktoken file may be all that says how it cuts words.
    @Test func aTiktokenFileGoesAlongUnderItsOwnName() throws {
        try Folders.write(Folders.section(), to: folder("theirs"))
        let ranks = Data("YQ== 0\nYg== 1\n".utf8)
        try DurableFile.write(ranks, to: folder("theirs/base.tiktoken"))
        _ = try ModelConversion.convert(folder("theirs"), to: folder("ours"), .init(.molt))
        _ = try ModelConversion.convert(folder("ours"), to: folder("back"), .init(.hf))
        for name in ["ours", "back"] { #expect(try DurableFile.read(folder("\(name)/base.tiktoken")) == ranks) }
    }

    @Test(arguments: [(StoredType.bfloat16, "BF16"), (.float16, "F16")])
    func halfPrecisionIsWrittenAndReadAgain(_ type: StoredType, _ name: String) throws {
        try Folders.write(Folders.section(.mamba2, "MM"), to: folder("theirs"))
        let half = try ModelConversion.convert(folder("theirs"), to: folder("half"), .init(.hf, type: type))
        #expect(half.sha256After == half.sha256Before)
        let verified = try ModelConversion.verify(folder("half"))
        #expect(verified.types == [name: half.tensorsRead] && verified.sha256After == half.sha256After)
        let config = String(decoding: try DurableFile.read(folder("half/config.json")), as: UTF8.self)
        #expect(config.contains(type == .float16 ? "\"float16\"" : "\"bfloat16\""))
    }

    @Test func namesOfBothGenerationsAreReadAndReported() throws {
        try Folders.write(Folders.section(.granite, "ME*E") { Self.granite(&$0) }, to: folder("new"))
        let (new, old) = (try HuggingFaceFolder(folder("new")), "model.layers.0.block_sparse_moe.input_linear.weight")
        #expect(new.tensors["model.layers.0.block_sparse_moe.experts.gate_up_proj"]?.names == [old])
        try Folders.rewrite(folder("new/model.safetensors")) { tensors in
            for index in tensors.indices {
                tensors[index].name.replace("router.layer.weight", with: "router.weight")
                tensors[index].name.replace(
                    "block_sparse_moe.input_linear.weight", with: "block_sparse_moe.experts.gate_up_proj")
                tensors[index].name.replace(
                    "block_sparse_moe.output_linear.weight", with: "block_sparse_moe.experts.down_proj")
            }
        }
        let again = try HuggingFaceFolder(folder("new"))
        #expect(Set(again.tensors.keys) == Set(new.tensors.keys))
        #expect(again.report(format: "hf").renamed.isEmpty && new.report(format: "hf").renamed.count == 6)
    }

    private static func granite(_ model: inout ModelSection) {
        (model.experts, model.expertsPerToken, model.expertSize, model.sharedExpertSize) = (4, 2, 8, 12)
        (model.gatedMLP, model.attentionScale, model.feedForwardSize) = (true, 0.1, 0)
    }

    @Test func aTiedHeadThatIsWrittenAllTheSameIsUnused() throws {
        try Folders.write(Folders.section(.mamba2, "M") { $0.tiedEmbeddings = true }, to: folder("tied"))
        try Folders.rewrite(folder("tied/model.safetensors")) { tensors in
            guard var head = tensors.first(where: { $0.name == "backbone.embeddings.weight" }) else { return }
            head.name = "lm_head.weight"
            tensors.append(head)
        }
        #expect(try HuggingFaceFolder(folder("tied")).unused == ["lm_head.weight"])
    }

    /// What is there is never overwritten.
    @Test func aFolderThatIsThereIsLeftAlone() throws {
        try Folders.write(Folders.section(), to: folder("theirs"))
        try DurableFile.makeFolder(folder("taken"))
        #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("theirs"), to: folder("taken"), .init(.hf))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["taken", "theirs"])
    }

    @Test func weightsThatAreNoNumbersFailTheNumericCheck() throws {
        try Folders.write(Folders.section(), to: folder("theirs"))
        try Folders.rewrite(folder("theirs/model.safetensors")) { tensors in
            for index in tensors.indices where tensors[index].name == "backbone.norm_f.weight" {
                tensors[index].bytes.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
            }
        }
        let error = #expect(throws: UserError.self) { try ModelConversion.verify(folder("theirs")) }
        #expect(error?.what.contains("scores are not numbers") == true)
    }

    @Test func scoresOfRaggedRowsEndInZeros() throws {
        let section = try Folders.section()
        let rows: [[Int64]] = [[1, 2, 3, 4, 39], [7], [5, 6]]
        try Folders.write(section, to: folder("theirs"))
        try JSONFile.write(rows, to: folder("tokens.json"))
        try ModelConversion.scores(
            folder("theirs"), tokens: folder("tokens.json"), out: folder("logits.safetensors"), on: .cpu)
        let logits = try SafetensorsFile(path: folder("logits.safetensors")).tensor("logits")
        #expect(logits.shape == [3, 5, 40] && logits.dtype == .float32)
        let model = try Folders.model(section)
        for (index, row) in rows.enumerated() {
            let own = try noGrad { try model.logits(model.hidden(Tensor(row, shape: [1, row.count]))) }
            let found = try logits.select(0, index)
            #expect(try (found.narrow(0, from: 0, length: row.count) - own.select(0, 0)).abs().max().item() <= 1e-6)
            if row.count < 5 {
                #expect(try found.narrow(0, from: row.count, length: 5 - row.count).abs().max().item() == 0)
            }
        }
    }

    @Test(arguments: [
        ("[[1, 40]]", "row 1 has the token 40, and the model has 40"), ("[[-1]]", "row 1 has the token -1"),
        ("[]", "holds no tokens"), ("[1, 2]", "not a list of lists"), ("{}", "not a list of lists"),
    ])
    func badTokensAreRefused(_ text: String, _ expected: String) throws {
        try Folders.write(Folders.section(), to: folder("theirs"))
        try DurableFile.write(Data(text.utf8), to: folder("tokens.json"))
        let error = #expect(throws: UserError.self) {
            try ModelConversion.scores(
                folder("theirs"), tokens: folder("tokens.json"), out: folder("out"), on: .cpu)
        }
        #expect(error?.what.contains(expected) == true)
        #expect(!FileManager.default.fileExists(atPath: folder("out")))
    }
}
