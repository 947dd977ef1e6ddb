import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

/// ShareGPT's rows may say what the system is told beside their conversation.
struct RowSystemTests {
    private let folder = TemporaryFolder("system")

    private func text(of line: String) throws -> String {
        try DurableFile.write(Data(line.utf8), to: folder("a.jsonl"))
        let tokenizer = ByteTokenizer()
        let corpus = try Corpus(
            files: [folder("a.jsonl")], tokenizer: tokenizer, chat: PlainChatRenderer(tokenizer: tokenizer))
        return String(decoding: tokenizer.decode(try corpus.document(0).tokens), as: UTF8.self)
    }

    private static let turns = #"{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}"#
    private static let told = #"{"from": "system", "value": "be kind"}"#
    private static let plain = "user: q\nassistant: a\n"

    @Test(arguments: [
        (#"{"system": "be kind", "conversations": [\#(turns)]}"#, "system: be kind\n"),
        (#"{"conversations": [\#(turns)], "system": "be kind"}"#, "system: be kind\n"),
        (#"{"system": "be \u006bind", "conversations": [\#(told), \#(turns)]}"#, "system: be kind\n"),
        (#"{"system": "be kind", "messages": [\#(turns)]}"#, "system: be kind\n"),
        (#"{"system": "", "conversations": [\#(turns)]}"#, ""),
        (#"{"system": null, "conversations": [\#(turns)]}"#, ""),
        (#"{"system": null, "conversations": [\#(told), \#(turns)]}"#, "system: be kind\n"),
    ])
    func itIsTheFirstMessage(_ line: String, _ system: String) throws {
        #expect(try text(of: line) == system + Self.plain)
    }

    @Test(arguments: [
        (#"{"system": "be rude", "conversations": [\#(told), \#(turns)]}"#, "is not what its system message says"),
        (#"{"system": {"a": 1}, "conversations": [\#(turns)]}"#, "the value of \"system\" is not a string"),
        (#"{"system": 7, "conversations": [\#(turns)]}"#, "the value of \"system\" is not a string"),
        (#"{"system": "a", "system": "b", "conversations": [\#(turns)]}"#, "\"system\" appears twice"),
    ])
    func whatCannotBeMeantIsRefusedWithItsLine(_ line: String, _ expected: String) throws {
        let error = #expect(throws: UserError.self) { try text(of: line) }
        let words = "\(try #require(error))"
        #expect(words.contains("a.jsonl:1: ") && words.contains(expected), "\(words)")
    }

    /// Elsewhere it is a column like any other.
    @Test(arguments: [#"{"text": "t", "system": {"a": [1]}}"#, #"{"system": "linux", "text": "t"}"#])
    func aTextsOwnIsLeftAlone(_ line: String) throws {
        #expect(try text(of: line) == "t")
    }

    /// Rows that say the same in the two ways are one document, and filters see the value.
    @Test func filtersAndDeduplicationSeeIt() throws {
        let work = Prepared()
        try work.write(
            "a.jsonl",
            [
                #"{"system": "be kind", "conversations": [\#(Self.turns)]}"#,
                #"{"conversations": [\#(Self.told), \#(Self.turns)], "system": "be kind"}"#,
                #"{"system": "be rude", "conversations": [\#(Self.turns)]}"#,
            ].joined(separator: "\n"))
        try work.run(["a.jsonl"]) {
            $0.deduplicate = true
            $0.filter.conditions = ["system=be kind"]
        }
        #expect(try work.texts() == ["system: be kind\n" + Self.plain])
    }
}
