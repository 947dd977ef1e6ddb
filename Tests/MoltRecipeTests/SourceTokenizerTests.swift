import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// The tokenizer of a recipe that names none is that of the model it starts from, and is said before anything runs.
struct SourceTokenizerTests {
    private let folder = TemporaryFolder("source")
    private static let tokenizer = #"{"model":{"type":"BPE","vocab":{"a":0,"b":38}}}"#

    private func recipe(_ data: String = "train: /etc/hostname", start: String? = nil) throws -> Recipe {
        let text = "task: finetune\ninit_from: \(start ?? folder.path)\ndata: {\(data), sequence_length: 128}\n"
            + "train: {steps: 10, global_batch: 8, micro_batch: 2}"
        return try RecipeFixture.load(text)
    }

    private func write(_ name: String, _ text: String) throws {
        try DurableFile.write(Data(text.utf8), to: folder(name))
    }

    @Test func pretrainingNamesTheBytesAndFineTuningNothing() throws {
        let load = { try RecipeFixture.loader.load(text: "extends: base", label: "r.yaml", overrides: [$0]).recipe }
        #expect(try load("data.train=/etc/hostname").data?.tokenizer == "bytes")
        #expect(try recipe().data?.tokenizer == nil)
        #expect(SourceTokenizer.line(try recipe(start: "abcd2345"))?.contains("that of the model") == true)
    }

    @Test func theTokenizerBesideTheWeightsIsTakenAndAnotherIsWarnedOf() throws {
        try write("config.json", #"{"model_type": "bamba", "vocab_size": 39}"#)
        try write("tokenizer.json", Self.tokenizer)
        try write("other.json", Self.tokenizer + " ")
        #expect(SourceTokenizer.of(try recipe()) == .file(folder("tokenizer.json")))
        let line = "tokenizer: \(folder("tokenizer.json")), that of the model in init_from"
        #expect(SourceTokenizer.line(try recipe()) == line)
        #expect(DataFiles.problems(try recipe()).isEmpty)
        #expect(SourceTokenizer.warnings(try recipe()).isEmpty)
        let same = try recipe("train: /etc/hostname, tokenizer: \(folder.path)")
        #expect(SourceTokenizer.warnings(same).isEmpty)
        for other in ["bytes", folder("other.json")] {
            let named = try recipe("train: /etc/hostname, tokenizer: \(other)")
            #expect(SourceTokenizer.warnings(named).first?.contains("is not the tokenizer of the model") == true)
        }
        // Its size counts, too.
        try write("config.json", #"{"model_type": "bamba", "vocab_size": 38}"#)
        #expect(DataFiles.problems(try recipe()).first?.what == "the model has 38 token ids, the tokenizer 39")
    }

    @Test func aModelWithoutOneNeedsAKeyUnlessItsDataIsPreparedOrMade() throws {
        try write("config.json", #"{"d_model": 8, "vocab_size": 300}"#)
        let problem = try #require(DataFiles.problems(try recipe()).first)
        #expect(problem.key == "data.tokenizer" && problem.fix?.contains("set 'data.tokenizer'") == true)
        #expect(DataFiles.problems(try recipe("train: /etc/hostname, tokenizer: bytes")).isEmpty)
        try DurableFile.makeFolder(folder("tokens"))
        try write("tokens/prepared.json", "{}")
        #expect(DataFiles.problems(try recipe("train: \(folder("tokens"))")).isEmpty)
        #expect(DataFiles.problems(try recipe("train: [], synthetic: {task: recall, size: 4}")).isEmpty)
    }

    private static let recorded: [(String?, SourceTokenizer)] = [
        ("bytes", .bytes), ("t.json@sha256:00", .recorded("t.json@sha256:00")), (nil, .absent),
    ]

    @Test(arguments: recorded)
    func aRunSaysWhatItsCheckpointsRecord(_ name: String?, _ expected: SourceTokenizer) throws {
        let checkpoints: [(Int, String?)] = [(3, "old.json@sha256:11"), (12, name)]
        for (step, tokenizer) in checkpoints {
            var manifest = CheckpointManifest(
                run: "r", step: step, epoch: 1, files: [], recipeHash: "", architecture: [:], worldSize: 1, state: [:],
                savedAt: 0)
            manifest.state["tokenizer"] = tokenizer
            let checkpoint = CheckpointFolder(path: folder("checkpoints"))
                .folder(of: CheckpointName(step: step, epoch: 1))
            try DurableFile.makeFolder(folder("checkpoints"))
            try DurableFile.makeFolder(checkpoint)
            try DurableFile.write(manifest.encoded(), to: "\(checkpoint)/manifest.json")
        }
        for start in [folder.path, folder.path + "/best"] {
            #expect(SourceTokenizer.of(try recipe(start: start)) == expected)
        }
    }
}
