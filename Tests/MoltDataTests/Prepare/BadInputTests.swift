import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

/// Malformed input: an error with file, line and what to do, or counted; and nothing half-written either way.
struct BadInputTests {
    private let work = Prepared()
    private static let good = #"{"text": "good"}"#

    @Test(arguments: [
        (#"{"text": "a"#, "not a JSON object: a string does not end"),
        ("not json", "not a JSON object: expected an object"),
        (#"{"text": 5}"#, #"not a JSON object: the value of "text" is not a string"#),
        ("{}", "the line needs either"),
        (#"{"text": "a", "messages": []}"#, #"bad conversation: "messages" has no messages"#),
        (#"{"messages": {}}"#, #"bad conversation: "messages" is not a list of messages"#),
        (#"{"messages": [{"content": "x"}]}"#, "bad conversation: messages[0] has no role"),
        (#"{"messages": [{"role": "user"}]}"#, "bad conversation: messages[0] has no content"),
        (#"{"messages": [{"role": 1, "content": "x"}]}"#, "bad conversation: the role of messages[0] is not a string"),
        (
            #"{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": null}]}"#,
            "bad conversation: the content of messages[1] is not a string"
        ),
        (#"{"messages": [7]}"#, "bad conversation: messages[0] is not an object with a role and a content"),
        (#"{"messages": [{"role": "king", "content": "x"}]}"#, "the role 'king' of messages[0] is none of system"),
        (#"{"messages": [{"role": "user", "content": "x"}]}"#, "no message is the assistant's"),
        (#"{"conversations": [{"from": "human"}]}"#, "bad conversation: conversations[0] has no content"),
        (#"{"prompt": "q", "chosen": "a"}"#, #"a preference pair needs "prompt", "chosen" and "rejected""#),
        (#"{"prompt": [], "completion": "a"}"#, #""prompt" has no messages"#),
        (
            #"{"messages": [{"role": "user", "role": "user", "content": "x"}]}"#,
            "bad conversation: messages[0] has two roles"
        ),
        (#"{"messages": [{"role": "user", "content": "x", "value": "y"}]}"#, "messages[0] has two contents"),
        (#"{"messages": [{"role": "user", "content": [{"type": "image"}]}]}"#, "a part of messages[0] is no text"),
        (#"{"messages": [{"role": "user", "content": ["x"]}]}"#, "a part of messages[0] is not an object"),
        (#"{"messages": [{"role": "user", "content": "x"}"#, "not a JSON object: the line ends too early"),
        (#"{"messages": [], "conversations": []}"#, #""messages" has no messages"#),
        (#"{"prompt": "q", "chosen": 1, "rejected": "b"}"#, #"the value of "chosen" is not a string"#),
        (#"{"prompt": "q", "chosen": [{"role": "assistant"}], "rejected": "b"}"#, "chosen[0] has no content"),
        (
            #"{"prompt": [{"role": "user", "content": "q"}], "chosen": [{"role": "user", "content": "q"}], "#
                + #""rejected": "b"}"#, "no message is the assistant's"
        ),
    ])
    func aMalformedLineIsNamedAndNothingIsLeft(line: String, expected: String) throws {
        try work.write("a.jsonl", [Self.good, "", line, Self.good].joined(separator: "\n"))
        let complaint = work.complaint(["a.jsonl"]) { $0.unitBytes = 10 }
        #expect(complaint.hasPrefix("a.jsonl:3: "), "\(complaint)")
        #expect(complaint.contains(expected), "\(complaint)")
        #expect(complaint.contains("--skip-bad"), "\(complaint)")
        #expect(!FileManager.default.fileExists(atPath: work.folder("out")))
    }

    /// Of several ranks one finds the line; nothing that the others made may stand in the way of the mended file.
    @Test func aMalformedLineOfOneRankLeavesNothingOfTheOthers() throws {
        try work.write("a.jsonl", (0..<20).map { $0 == 13 ? "bad" : Self.good }.joined(separator: "\n"))
        #expect(throws: UserError.self) { try work.run(["a.jsonl"], ranks: 3) { $0.unitBytes = 20 } }
        #expect(!FileManager.default.fileExists(atPath: work.folder("out")))
        try work.write("a.jsonl", (0..<20).map { _ in Self.good }.joined(separator: "\n"))
        #expect(try work.run(["a.jsonl"], ranks: 3) { $0.unitBytes = 20 }.report.splits["train"]?.documents == 20)
    }

    @Test(arguments: [
        ([good, #"{"prompt": "q", "chosen": "a", "rejected": "b"}"#], "are mixed with other documents"),
        ([#"{"text": ""}"#], "no document is left to train on"),
    ])
    func whatOnlyTheEndShowsLeavesNothing(lines: [String], expected: String) throws {
        try work.write("a.jsonl", lines.joined(separator: "\n"))
        let complaint = work.complaint(["a.jsonl"]) { $0.filter.tokensMin = 3 }
        #expect(complaint.contains(expected), "\(complaint)")
        #expect(!FileManager.default.fileExists(atPath: work.folder("out")))
    }

    @Test func bytesThatAreNotUTF8AreNamedByLineAndOffset() throws {
        try work.write("a.jsonl", Array("\(Self.good)\n{\"text\": \"".utf8) + [0x61, 0xC3, 0x28] + Array("\"}\n".utf8))
        #expect(work.complaint(["a.jsonl"]).hasPrefix("a.jsonl:2: byte 11 of the line (offset 28 of the file)"))
        try work.write("b.txt", [0x61, 0xFF])
        #expect(work.complaint(["b.txt"]).hasPrefix("b.txt: byte 1 of the line (offset 1 of the file) is not UTF-8"))
    }

    @Test func theFirstBadLineIsReportedWhateverThreadFindsOneFirst() throws {
        let bad = (0..<40).map { $0 < 11 ? Self.good : "bad \($0)" }
        try work.write("a.jsonl", bad.joined(separator: "\n"))
        for _ in 0..<5 {
            #expect(work.complaint(["a.jsonl"]) { $0.unitBytes = 20 }.hasPrefix("a.jsonl:12: not a JSON object"))
        }
    }

    @Test(arguments: [8, 64, 1 << 20])
    func whatIsPassedOverIsCountedAndItsLinesAreNamed(unit: Int) throws {
        let lines = [
            Self.good, "bad", #"{"text": "second"}"#, "", #"{"messages": []}"#, #"{"text": 1}"#, #"{"x": 1}"#,
            #"{"text": "\#(String(repeating: "y", count: 600))"}"#, #"{"text": "last"}"#,
        ]
        try work.write("a.jsonl", lines.joined(separator: "\n"))
        try work.write("b.jsonl", "\(Self.good)\n\nbad\n")
        let prepared = try work.run(["*.jsonl"]) {
            $0.skipBad = true
            $0.unitBytes = unit
            $0.lineBytesMax = 500
        }
        #expect(try work.texts() == ["good", "second", "last", "good"])
        #expect(
            prepared.report.bad == [
                "not a JSON object": 3, "bad conversation": 1, "no known form": 1, "too long": 1,
            ])
        let named = prepared.report.badExamples.map {
            $0.replacing(work.folder.path + "/", with: "").split(separator: " ").first.map(String.init)
        }
        #expect(named == ["a.jsonl:2:", "a.jsonl:5:", "a.jsonl:6:", "a.jsonl:7:", "a.jsonl:8:", "b.jsonl:3:"])
    }

    @Test(arguments: [
        ([0x1F, 0x8B, 8, 0] as [UInt8], "gunzip"), (Array("PAR1xxxx".utf8), "to_json"),
        ([0x28, 0xB5, 0x2F, 0xFD, 0], "zstd -d"),
    ])
    func packedFormatsAreRefusedWithTheWayOut(bytes: [UInt8], fix: String) throws {
        try work.write("a.jsonl", bytes)
        let complaint = work.complaint(["a.jsonl"])
        #expect(complaint.contains("is not read") && complaint.contains(fix), "\(complaint)")
    }

    @Test func aTextFileLongerThanALineMayBeSaysHowToReadIt() throws {
        try work.write("a.txt", String(repeating: "x", count: 100))
        #expect(work.complaint(["a.txt"]) { $0.lineBytesMax = 50 }.contains("--text-unit line"))
    }

    @Test(arguments: ["validation", "length", "score>high", "lang", ">=5"])
    func settingsThatCannotBeMeantAreRefused(what: String) throws {
        try work.write("a.jsonl", Self.good)
        let complaint = work.complaint(["a.jsonl"]) { settings in
            switch what {
            case "validation": settings.validation = 1
            case "length": (settings.filter.bytesMin, settings.filter.bytesMax) = (9, 8)
            default: settings.filter.conditions = [what]
            }
        }
        #expect(complaint != "nothing", "\(what)")
        #expect(!FileManager.default.fileExists(atPath: work.folder("out")))
    }
}
