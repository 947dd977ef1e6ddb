import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

/// A text that a tokenizer has no tokens for is named by its place, wherever texts are read; none is dropped unsaid.
struct UnwritableTextTests {
    private let folder = TemporaryFolder("unwritable")

    /// Bytes, of which it does not know some.
    private struct PickyTokenizer: Tokenizer {
        var unknown: ClosedRange<UInt8> = UInt8(ascii: "X")...UInt8(ascii: "X")

        var name: String { "picky" }
        var vocabularySize: Int { ByteTokenizer().vocabularySize }
        var specials: SpecialTokens { ByteTokenizer().specials }
        var isBytewise: Bool { false }

        func encode(_ bytes: ArraySlice<UInt8>) throws(UserError) -> [Int32] {
            guard let byte = bytes.first(where: unknown.contains) else { return ByteTokenizer().encode(bytes) }
            throw UserError(
                "no token for '\(Character(Unicode.Scalar(byte)))'", fix: "take a tokenizer that knows it")
        }

        func decode(_ tokens: some Sequence<Int32>) -> [UInt8] { ByteTokenizer().decode(tokens) }
    }

    private func write(_ name: String, _ text: String) throws -> String {
        try DurableFile.write(Data(text.utf8), to: folder(name))
        return folder(name)
    }

    @Test(arguments: [
        ("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"aXb\"}\n", "a.jsonl:2: the text has no tokens: no token for 'X'"),
        ("a.jsonl", "{\"prompt\": \"a\", \"completion\": \"X\"}", "a.jsonl:1: the text has no tokens"),
        ("a.jsonl", "{\"messages\": [{\"role\": \"assistant\", \"content\": \"X\"}]}", "a.jsonl:1: bad conversation"),
        ("a.txt", "a\nX\n", "a.txt: the text has no tokens: no token for 'X'"),
    ])
    func trainingNamesFileAndLine(_ name: String, _ text: String, _ expected: String) throws {
        let path = try write(name, text), tokenizer = PickyTokenizer()
        let error = #expect(throws: UserError.self) {
            try Corpus(files: [path], tokenizer: tokenizer, chat: PlainChatRenderer(tokenizer: tokenizer))
        }
        let message = "\(try #require(error))"
        #expect(message.hasPrefix("\(folder.path)/\(expected)"), "\(message)")
        #expect(message.contains("no token for 'X'"))
    }

    @Test func aPreparationNamesTheLineOrCountsIt() throws {
        let path = try write("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"aXb\"}\n{\"text\": \"c\"}\n")
        func prepare(_ out: String, skipBad: Bool) throws -> PreparedFolder? {
            var settings = PrepareSettings(inputs: [path])
            settings.skipBad = skipBad
            let run = try Preparation(settings, out: folder(out), tokenizer: PickyTokenizer(), chat: nil, threads: 1)
            guard case .done(let prepared) = try run.run() else { return nil }
            return prepared
        }
        let error = #expect(throws: UserError.self) { try prepare("strict", skipBad: false) }
        #expect(error?.location == "\(path):2")
        #expect(error?.what == "the text has no tokens: no token for 'X'")
        #expect(error?.fix?.hasPrefix("take a tokenizer that knows it") == true)
        let prepared = try #require(try prepare("lenient", skipBad: true))
        #expect(prepared.report.bad == ["no tokens": 1])
        #expect(prepared.report.splits["train"]?.documents == 2)
    }

    @Test func aSyntheticTaskSaysSo() {
        let task = PhoneBookTask(
            entries: 2...2, tokenizer: PickyTokenizer(unknown: UInt8(ascii: "0")...UInt8(ascii: "9")))
        var generator = SeededGenerator(1)
        #expect(throws: UserError.self) { try task.sample(&generator) }
    }
}
