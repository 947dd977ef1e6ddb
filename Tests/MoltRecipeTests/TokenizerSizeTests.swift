import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// A tokenizer that is larger than the model is said before anything is queued, whatever kind of file it is.
struct TokenizerSizeTests {
    private let folder = TemporaryFolder("sizes")

    /// 300 ids, in the three kinds of files and their varieties. What real files hold is compared in LibraryTests.
    private static let files: [String: String] = [
        "tokenizer.json":
            #"{"model":{"type":"BPE","vocab":{"a":0,"b":38}},"added_tokens":[{"id":299,"content":"<x>"}]}"#,
        "unigram.json": "{\"model\": {\"vocab\": [\((0..<300).map { "[\"t\($0)\", -1.5]" }.joined(separator: ","))]}}",
        "some.model": String(repeating: "\u{A}\u{8}\u{A}\u{1}a\u{15}\0\0\0\0", count: 300) + "\u{12}\u{2}\u{18}\u{1}",
        "ranks.tiktoken": (0..<300).map { "YQ== \($0)\n" }.joined(),
        "special.tiktoken": "YQ== 0\r\nYg== 1\r\n",
        "special.tiktoken.json": #"{"pattern": ".", "special_tokens": {"<|end|>": 299}}"#,
    ]

    private func write(_ name: String) throws -> String {
        for part in [name, name + ".json"] {
            if let text = Self.files[part] { try DurableFile.write(Data(text.utf8), to: folder(part)) }
        }
        return folder(name)
    }

    @Test(arguments: files.keys.sorted().filter { $0 != "special.tiktoken.json" })
    func aTokenizerLargerThanTheModelIsNamed(_ name: String) throws {
        let path = try write(name)
        #expect(try TokenizerSize.at(path) == TokenizerSize(file: path, ids: 300))
        #expect(try problems("model.vocab_size=300", tokenizer: path).isEmpty)
        #expect(try problems(tokenizer: path).isEmpty, "without a size, the model is as large as its tokenizer")
        let problem = try #require(try problems("model.vocab_size=299", tokenizer: path).first)
        #expect(problem.key == "data.tokenizer")
        #expect(problem.what == "the model has 299 token ids, the tokenizer 300")
        #expect(problem.fix == "name the model's own tokenizer, or raise model.vocab_size")
    }

    private func problems(_ overrides: String..., tokenizer: String) throws -> [RecipeProblem] {
        let words = ["data.train=/etc/hostname", "data.tokenizer=\(tokenizer)"] + overrides
        return DataFiles.problems(
            try RecipeFixture.loader.load(text: "extends: base", label: "r.yaml", overrides: words).recipe)
    }

    @Test func theModelThatTrainingStartsFromCountsWhenTheRecipeHasNone() throws {
        let path = try write("some.model")
        let text = "task: finetune\ninit_from: \(folder.path)\n"
            + "data: {train: /etc/hostname, tokenizer: \(path), sequence_length: 128}\n"
            + "train: {steps: 10, global_batch: 8, micro_batch: 2}"
        let recipe = try RecipeFixture.load(text)
        #expect(DataFiles.problems(recipe).isEmpty, "nothing is known of the model")
        for (rows, count) in [(299, 1), (300, 0)] {
            let config = "{\"model_type\": \"bamba\", \"vocab_size\": \(rows)}"
            try DurableFile.write(Data(config.utf8), to: folder("config.json"))
            #expect(DataFiles.problems(recipe).count == count)
        }
    }

    @Test func aFolderMeansItsTokenizer() throws {
        #expect(try TokenizerSize.at(folder.path) == nil)
        let path = try write("some.model")
        #expect(try TokenizerSize.at(folder.path) == TokenizerSize(file: path, ids: 300))
        _ = try write("ranks.tiktoken")
        #expect(try TokenizerSize.at(folder.path) == nil, "there are two")
        let usual = try write("tokenizer.json")
        #expect(try TokenizerSize.at(folder.path)?.file == usual)
    }

    @Test(arguments: [
        ("tokenizer.json", "{\"model\": {\"vocab\": {\"a\""), ("tokenizer.json", "[]"), ("a.model", "\u{A}\u{7F}"),
        ("a.model", "\u{12}\0"), ("a.tiktoken", "YQ== x"), ("a.tiktoken", "YQ=="),
    ])
    func whatIsNoTokenizerIsSaid(_ name: String, _ text: String) throws {
        try DurableFile.write(Data(text.utf8), to: folder(name))
        let error = #expect(throws: UserError.self) { try TokenizerSize.at(folder(name)) }
        #expect(error?.location == folder(name))
        #expect(try problems("model.vocab_size=300", tokenizer: folder(name)).count == 1)
    }

    @Test func absurdIDsAreLargeAndNoTrap() throws {
        let path = folder("tokenizer.json")
        let text = "{\"model\": {\"vocab\": {\"a\": \(Int.max)}}, \"added_tokens\": [{\"id\": \(Int.min)}]}"
        try DurableFile.write(Data(text.utf8), to: path)
        #expect(try #require(try TokenizerSize.at(path)).ids > 1 << 29)
    }
}
