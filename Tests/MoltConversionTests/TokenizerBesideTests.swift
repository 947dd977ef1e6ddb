import FoundationEssentials
import MoltConversion
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

/// Whatever layout a model goes to, its tokenizer goes along, as it does to Hugging Face's.
@Suite(.serialized)
struct TokenizerBesideTests {
    private let folder = TemporaryFolder("beside")

    static let layouts = [ModelConversion.Layout.megatron, .distributed, .stateSpaces]

    private static func section(_ layout: ModelConversion.Layout) throws -> ModelSection {
        try layout == .stateSpaces ? StateSpacesTests.section() : MegatronTests.section()
    }

    @Test(arguments: layouts)
    func theTokenizersFilesLieBesideAnExport(_ layout: ModelConversion.Layout) throws {
        try Folders.write(Self.section(layout), to: folder("theirs"))
        let files = [
            "tokenizer.json": #"{"model":{"vocab":{"a":1}}}"#, "tokenizer_config.json": #"{"eos_token":"a"}"#,
            "chat_template.jinja": "{{ messages }}",
        ]
        for (name, text) in files { try DurableFile.write(Data(text.utf8), to: folder("theirs/\(name)")) }
        let report = try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(layout))
        #expect(report.tokenizer == "tokenizer.json")
        let back = try ModelConversion.convert(folder("out"), to: folder("back"), .init(.hf))
        #expect(back.tokenizer == "tokenizer.json" && back.sha256After == report.sha256Before)
        for (name, text) in files {
            #expect(try DurableFile.read(folder("out/\(name)")) == Data(text.utf8), "\(name)")
            #expect(try DurableFile.read(folder("back/\(name)")) == Data(text.utf8), "\(name)")
        }
    }

    @Test(arguments: layouts)
    func aModelOfBytesGetsATokenizerToo(_ layout: ModelConversion.Layout) throws {
        var section = try Self.section(layout)
        section.vocabularySize = 264
        try Folders.write(section, to: folder("theirs"))
        let report = try ModelConversion.convert(
            folder("theirs"), to: folder("out"), .init(layout), tokenizer: "bytes")
        #expect(report.tokenizer == "tokenizer.json")
        #expect(try TokenizerSize.at(folder("out"))?.ids == 259)
    }

    /// More ids than rows: refused before anything is written, as everywhere.
    @Test(arguments: layouts)
    func aTokenizerThatIsTooLargeStaysOut(_ layout: ModelConversion.Layout) throws {
        try Folders.write(Self.section(layout), to: folder("theirs"))
        let text = #"{"model":{"vocab":{"a":1}}}"#.replacing("1", with: "40")
        try DurableFile.write(Data(text.utf8), to: folder("theirs/tokenizer.json"))
        let error = #expect(throws: UserError.self) {
            try ModelConversion.convert(folder("theirs"), to: folder("out"), .init(layout))
        }
        #expect(error?.what.contains("the tokenizer has 41 token ids, the embeddings have 40 rows") == true)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["theirs"])
    }
}
