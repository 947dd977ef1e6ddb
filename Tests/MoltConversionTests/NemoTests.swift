import FoundationEssentials
import MoltCheckpoint
import MoltConversion
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// NeMo's archives and folders, as Python's tarfile and torch write them; see `Oracle/nemo.py`.
@Suite(.serialized)
struct NemoTests {
    private let folder = TemporaryFolder("nemo")

    private func theirs(_ name: String) throws -> String { try Exchange.written.get() + "/nemo/\(name)" }

    @Test(arguments: [
        "plain.nemo", "ranks.nemo", "stages.nemo", "distributed.nemo", "inner.nemo", "plain", "ranks", "distributed",
        "new",
    ])
    func everyLayoutHoldsTheModelBitForBit(_ name: String) throws {
        let path = try theirs(name)
        let truth = try SafetensorsFile(path: Exchange.written.get() + "/legacy.safetensors")
        let found = try NemoCheckpoint(path)
        #expect(Set(found.tensors.keys) == Set(truth.header.entries.map(\.name)))
        for entry in truth.header.entries {
            #expect(try found.read(entry.name) == truth.read(entry), "\(entry.name)")
        }
        #expect(found.section.pattern.description == "M*-M-" && found.section.activation == .squaredReLU)
        #expect(found.section.groups == 2 && found.section.attentionHeads == 4 && found.section.rotaryShare == 0)
        #expect(found.unused.allSatisfy { $0.contains("optimizer") }, "\(found.unused)")
        let legacy = try Exchange.written.get() + "/legacy"
        #expect(try ModelConversion.compare(path, with: legacy).isEqual)
    }

    @Test(arguments: ["ranks.nemo", "distributed.nemo", "new"])
    func anImportScoresLikeThePlainFolderAndHasTheTokenizerBesideIt(_ name: String) throws {
        let path = try theirs(name)
        let report = try ModelConversion.convert(path, to: folder("ours"), .init(.molt))
        #expect(report.format == "nemo" && report.numericCheck?.isFinite == true && report.missing.isEmpty)
        #expect(report.tokenizer == "tokenizer.model")
        let tokenizer = try DurableFile.read(folder("ours/tokenizer.model"))
        #expect(tokenizer == Data("\n\u{E}\n\u{5}<unk>\u{15}\0\0\0\0\u{18}\u{2}".utf8))
        try JSONFile.write([[1, 2, 3, 39, 7], [5]], to: folder("tokens.json"))
        for (model, out) in [(folder("ours"), "a"), (try Exchange.written.get() + "/legacy", "b")] {
            try ModelConversion.scores(model, tokens: folder("tokens.json"), out: folder(out), on: .cpu)
        }
        #expect(try DurableFile.read(folder("a")) == DurableFile.read(folder("b")))
    }

    @Test func aTokenizerLargerThanTheEmbeddingsIsRefused() throws {
        try FileManager.default.copyItem(atPath: theirs("new"), toPath: folder("new"))
        let pieces = Array(repeating: [0x0A, 3, 0x0A, 1, 0x61] as [UInt8], count: 1000).flatMap(\.self)
        try DurableFile.write(Data(pieces), to: folder("new/context/a_tokenizer.model"))
        let error = #expect(throws: UserError.self) { try NemoCheckpoint(folder("new")) }
        #expect(error?.what.hasPrefix("the tokenizer has 1000 token ids, the embeddings have ") == true)
        #expect(error?.location == folder("new/context/a_tokenizer.model"))
    }

    /// What Python's tarfile, PyYAML and torch (weights alone) make of ours.
    @Test(arguments: [1, 4])
    func pythonReadsAnExport(_ ranks: Int) throws {
        let folder = try Exchange.read.get()
        let found = try SafetensorsFile(path: folder("\(ranks).nemo.safetensors"))
        let expected = try SafetensorsFile(path: folder("megatron.safetensors"))
        #expect(Set(found.header.entries.map(\.name)) == Set(expected.header.entries.map(\.name)))
        for entry in expected.header.entries {
            let own = try #require(found.header.entries.first { $0.name == entry.name })
            #expect(try found.read(own) == expected.read(entry))
        }
        let text = found.header.metadata["config"] ?? ""
        for part in [
            "\"hidden_size\": 16,", "\"hybrid_override_pattern\": \"M-*M-\"", "\"mamba_ssm_ngroups\": 8,",
            "\"layernorm_epsilon\": 1e-05,", "\"activation\": \"swiglu\"", "\"rotary_percentage\": 0.5,",
            "\"tokenizer_bytes\": \"706965636573\"", "_tokenizer.model\"", "megatron_mamba_model.MegatronMambaModel",
            ranks == 1 ? "[\"./model_weights.ckpt\"]" : "\"./mp_rank_03/model_weights.ckpt\"]",
        ] { #expect(text.contains(part), "\(part) in \(text)") }
    }

    @Test(arguments: [1, 2, 8], [StoredType?.none, .bfloat16])
    func anExportIsReadBackBitForBit(_ ranks: Int, _ type: StoredType?) throws {
        let section = try MegatronTests.section { $0.activation = .squaredReLU }
        try Folders.write(section, to: folder("theirs"))
        try DurableFile.write(Data(#"{"model":{"vocab":{"a":1}}}"#.utf8), to: folder("theirs/tokenizer.json"))
        let out = folder("model.nemo")
        let report = try ModelConversion.convert(folder("theirs"), to: out, .init(.nemo, type: type, ranks: ranks))
        #expect(report.sha256After == report.sha256Before && report.outFormat == "nemo")
        if type == nil { #expect(try ModelConversion.compare(folder("theirs"), with: out).isEqual) }
        _ = try ModelConversion.convert(out, to: folder("back"), .init(.hf))
        #expect(try DurableFile.read(folder("back/tokenizer.json")).count == 27)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(Set(left) == ["theirs", "model.nemo", "back"])
    }

    @Test func anExportIsAFileThatIsThereWholeOrNotAtAll() throws {
        try Folders.write(MegatronTests.section(), to: folder("theirs"))
        try DurableFile.write(Data("mine".utf8), to: folder("taken.nemo"))
        for (out, expected) in [("folder", "end in .nemo"), ("taken.nemo", "it is there already")] {
            let error = #expect(throws: UserError.self) {
                try ModelConversion.convert(folder("theirs"), to: folder(out), .init(.nemo))
            }
            #expect(error?.what.contains(expected) == true)
        }
        #expect(try DurableFile.read(folder("taken.nemo")) == Data("mine".utf8))
        #expect(try Set(FileManager.default.contentsOfDirectory(atPath: folder.path)) == ["theirs", "taken.nemo"])
    }

    @Test func anArchiveThatWouldRunACommandIsRefusedByItsName() throws {
        let path = try theirs("harm.nemo")
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(path, to: folder("out"), .init(.molt))
        }
        #expect(error?.what.contains("names 'posix.system'") == true, "\(String(describing: error))")
        #expect(error?.location == "\(path):model_weights.ckpt")
        #expect(try !FileManager.default.fileExists(atPath: theirs("executed")))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func aPipeIsNoArchiveAndIsNotWaitedFor() throws {
        #expect(mkfifo(folder("model.nemo"), 0o600) == 0)
        let error = #expect(throws: UserError.self) { try ModelConversion.verify(folder("model.nemo")) }
        #expect(error?.description.contains("cannot read \(folder("model.nemo"))") == true)
    }

    @Test func aCompressedArchiveSaysWhatToDo() throws {
        let error = #expect(throws: UserError.self) { try NemoCheckpoint(theirs("zipped.nemo")) }
        #expect(error?.what.contains("compressed") == true && error?.fix?.contains("tar -xzf") == true)
    }

    struct Contradiction: Sendable, CustomStringConvertible {
        let old: String
        let new: String
        let expected: String
        var description: String { new }

        init(_ old: String, _ new: String, _ expected: String) {
            (self.old, self.new, self.expected) = (old, new, expected)
        }
    }

    static let contradictions = [
        Contradiction("hidden_size: 16", "hidden_size: 32", "says hidden_size 32, and the weights make it 16"),
        Contradiction("hidden_size: 16", "hidden_size: sixteen", "says hidden_size 'sixteen'"),
        Contradiction("hidden_size: 16", "hidden_size: -16", "says hidden_size -16"),
        Contradiction("hidden_size: 16", "width: 16", "does not say hidden_size"),
        Contradiction("num_layers: 5", "num_layers: 6", "says num_layers 6, and the weights make it 5"),
        Contradiction("M*-M-", "M*-MM", "says hybrid_override_pattern 'M*-MM', and the weights make it M*-M-"),
        Contradiction("ffn_hidden_size: 12", "ffn_hidden_size: 24", "says ffn_hidden_size 24"),
        Contradiction("vocab_size: 40", "vocab_size: 41", "says vocab_size 41, and the weights make it 40"),
        Contradiction("kv_channels: 4", "kv_channels: 8", "says kv_channels 8"),
        Contradiction("num_query_groups: 2", "num_query_groups: 4", "says num_query_groups 4"),
        Contradiction("mamba_ssm_ngroups: 2", "mamba_ssm_ngroups: 3", "fit no Mamba-2 layer"),
        Contradiction("ngroups_mamba: 8", "mamba_state_dim: 8", "says mamba_state_dim 8, and the weights make it 4"),
        Contradiction("tensor_model_parallel_size: 2", "tensor_model_parallel_size: 4", "the files of 2 of 4 ranks"),
        Contradiction("normalization: RMSNorm", "normalization: layernorm1p", "its norms are 'layernorm1p'"),
        Contradiction(
            "position_embedding_type: none", "position_embedding_type: rope\nseq_len_interpolation_factor: 4",
            "scaled or interleaved (seq_len_interpolation_factor)"),
        Contradiction("activation: squared-relu", "activation: reglu", "the activation 'reglu'"),
        Contradiction("model: nemo:", "model: nemo:other-", "names the tokenizer 'other-"),
        Contradiction("num_layers: 5", "num_layers: 5\nnum_layers: 5", "'num_layers' appears twice"),
        Contradiction("num_layers: 5", "num_layers: [", "not valid YAML"),
    ]

    /// The file is named, and nothing is written.
    @Test(arguments: contradictions)
    func aConfigurationOfAnotherModelIsRefused(_ change: Contradiction) throws {
        try FileManager.default.copyItem(atPath: theirs("ranks"), toPath: folder("model"))
        try Folders.edit(folder("model/model_config.yaml"), change.old, change.new)
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("model"), to: folder("out"), .init(.molt))
        }
        #expect(error?.description.contains(change.expected) == true, "\(String(describing: error))")
        #expect(error?.location?.hasPrefix(folder("model")) == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }

    @Test func whatIsNotWholeIsNamed() throws {
        let manager = FileManager.default
        func refusal(_ name: String, _ harm: (String) throws -> Void) throws -> String {
            let path = folder(name + "-\(UInt16.random(in: .min ... .max))")
            try manager.copyItem(atPath: theirs(name), toPath: path)
            try harm(path)
            return #expect(throws: UserError.self) { try NemoCheckpoint(path) }?.description ?? ""
        }
        let rank = try refusal("ranks") { try manager.removeItem(atPath: "\($0)/mp_rank_01") }
        #expect(rank.contains("the files of 1 of 2 ranks are there"))
        let first = try refusal("ranks") { try manager.removeItem(atPath: "\($0)/mp_rank_00") }
        #expect(first.contains("the file of rank 0, stage 0 of 2 × 1 is missing"))
        let weights = try refusal("plain") { try manager.removeItem(atPath: "\($0)/model_weights.ckpt") }
        #expect(weights.contains("there is no rank's file"))
        let index = try refusal("distributed") { try manager.removeItem(atPath: "\($0)/model_weights/.metadata") }
        #expect(index.contains("have no index") && index.contains("model_weights"))
        let part = try refusal("distributed") { try manager.removeItem(atPath: "\($0)/model_weights/__0_0.distcp") }
        #expect(part.contains("__0_0.distcp") && part.contains("the file is missing"))
        let zarr = try refusal("distributed") { path in
            try manager.removeItem(atPath: "\(path)/model_weights/.metadata")
            try DurableFile.makeFolder("\(path)/model_weights/model.decoder.final_norm.weight")
            try DurableFile.write(
                Data("{}".utf8), to: "\(path)/model_weights/model.decoder.final_norm.weight/.zarray")
        }
        #expect(zarr.contains("zarr format, which is not read") && zarr.contains("torch_dist"))
        let both = try refusal("plain") { path in
            try DurableFile.makeFolder("\(path)/mp_rank_00")
            try manager.copyItem(
                atPath: "\(path)/model_weights.ckpt", toPath: "\(path)/mp_rank_00/model_weights.ckpt")
        }
        #expect(both.contains("it holds two files of rank 0"))
    }
}
