import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

/// What a way of writing conversations has no place for is not left out without a word.
struct ConversationLossTests {
    private let folder = TemporaryFolder("conversations")

    private func corpus(_ line: String) throws -> Corpus {
        try DurableFile.write(Data(line.utf8), to: folder("a.jsonl"))
        let tokenizer = ByteTokenizer()
        return try Corpus(
            files: [folder("a.jsonl")], tokenizer: tokenizer, chat: PlainChatRenderer(tokenizer: tokenizer))
    }

    private static let call = #"[{"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}]"#
    private static let user = #"{"role": "user", "content": "u"}"#

    private static let lost: [(String, String, String)] = [
        (#"{"role": "assistant", "content": null, "tool_calls": \#(call)}"#, "", "\"tool_calls\""),
        (#"{"role": "assistant", "tool_calls": \#(call)}"#, "", "\"tool_calls\""),
        (#"{"role": "assistant", "content": "", "function_call": {"name": "f"}}"#, "", "\"function_call\""),
        (#"{"role": "assistant", "content": "a", "reasoning_content": "r"}"#, "", "\"reasoning_content\""),
        (#"{"role": "assistant", "content": "a"}"#, #", "tools": [{"name": "f"}]"#, "\"tools\""),
        (#"{"role": "assistant", "content": "a"}"#, #", "tools": "[{\"name\": \"f\"}]""#, "\"tools\""),
        (#"{"role": "assistant", "content": null}"#, "", "is not a string"),
        (#"{"role": "assistant", "tool_calls": []}"#, "", "has no content"),
    ]

    @Test(arguments: lost)
    func aTurnThatThePlainFormCannotHoldIsRefusedByName(_ turn: String, _ row: String, _ expected: String) throws {
        let line = #"{"messages": [\#(Self.user), \#(turn)]\#(row)}"#
        let error = #expect(throws: UserError.self) { try corpus(line) }
        let text = "\(try #require(error))"
        #expect(text.contains("a.jsonl:1: bad conversation") && text.contains(expected), "\(text)")
    }

    /// What is about a turn and not of it, and lists with nothing in them.
    @Test(arguments: [
        #""name": "n""#, #""weight": 1"#, #""tool_calls": []"#, #""tool_calls": null"#, #""id": {"a": [1]}"#,
    ])
    func whatIsNotSaidMayBeThere(_ member: String) throws {
        let plain = #"{"messages": [\#(Self.user), {"role": "assistant", "content": "a"}]}"#
        let more = #"{"messages": [\#(Self.user), {"role": "assistant", \#(member), "content": "a"}], "tools": []}"#
        let tokens = { (line: String) in try corpus(line).document(0).tokens }
        #expect(try tokens(more) == tokens(plain))
    }

    @Test func aPairWithToolsIsRefused() throws {
        let line = #"{"prompt": "p", "chosen": "a", "rejected": "b", "tools": [{"name": "f"}]}"#
        let error = #expect(throws: UserError.self) { try corpus(line) }
        #expect("\(try #require(error))".contains("\"tools\""))
    }
}
