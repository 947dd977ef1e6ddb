import FoundationEssentials
import MoltCore
import Testing

struct NamesTests {
    @Test(arguments: ["a", "support-bot", "run_1.2", String(repeating: "x", count: 64)])
    func plainNamesPass(_ name: String) throws {
        try RunName.check(name)
    }

    /// Covers J2, J4.
    @Test(arguments: [
        "", "-rf", ".hidden", "a b", "a/b", "../evil", "a\nb", "$(id)", "`id`", "it's", "\"quoted\"", "läuft", "🐍",
        "a\0b", "%x", String(repeating: "x", count: 65),
    ])
    func namesThatCouldChangeAPathOrALineAreRefused(_ name: String) {
        #expect(throws: UserError.self) { try RunName.check(name) }
    }

    @Test func aRefusalPrintsNoControlCharacters() {
        let error = #expect(throws: UserError.self) { try RunName.check("a\u{1b}[31m\n") }
        #expect(error?.description.contains("\u{1b}") == false)
    }

    @Test func identifiersRoundTripAndDiffer() {
        let ids = Set((0..<1000).map { _ in RunID.random() })
        #expect(ids.count == 1000)
        for id in ids { #expect(RunID(rawValue: id.rawValue) == id) }
        #expect(RunID(rawValue: "../../..") == nil)
        let key = AttemptKey.random()
        #expect(AttemptKey(comment: key.comment) == key)
        #expect(AttemptKey(comment: "molt:2:" + key.rawValue) == nil)
    }

    @Test(arguments: [
        "00000000000000000000000000000001", "f0000000000000000000000000000000", "0123456789abcdeffedcba9876543210",
    ])
    func theKeyOfAnAttemptIsItsDigitsEverywhere(_ digits: String) throws {
        let key = try #require(AttemptKey(rawValue: digits))
        #expect(key.rawValue == digits)
        #expect(key.comment == "molt:1:" + digits)
        #expect(try JSONDecoder().decode([AttemptKey].self, from: Data("[\"\(digits)\"]".utf8)) == [key])
        #expect(String(decoding: try JSONEncoder().encode([key]), as: UTF8.self) == "[\"\(digits)\"]")
    }

    @Test(arguments: [
        "", "0123456789abcdeffedcba987654321", "0123456789abcdeffedcba98765432100", "0123456789ABCDEFFEDCBA9876543210",
        "0123456789abcdeffedcba987654321g", "0123456789abcdeffedcba987654321 ", "０123456789abcdeffedcba9876543",
    ])
    func whatIsNotJustItsDigitsIsNoKey(_ text: String) {
        #expect(AttemptKey(rawValue: text) == nil)
        #expect(AttemptKey(comment: "molt:1:" + text) == nil)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([AttemptKey].self, from: try JSONEncoder().encode([text]))
        }
    }

    @Test(arguments: [(7, 3, "step-00000007-e3"), (123_456_789, 1, "step-123456789-e1")])
    func checkpointNamesRoundTrip(_ step: Int, _ epoch: Int, _ name: String) {
        #expect(CheckpointName(step: step, epoch: epoch).description == name)
        #expect(CheckpointName(parsing: name) == CheckpointName(step: step, epoch: epoch))
    }

    @Test(arguments: ["step-7-e3", "step-00000007", ".tmp-3-7", "step-0000000x-e1", "step-00000007-e"])
    func otherFoldersAreNoCheckpoints(_ name: String) {
        #expect(CheckpointName(parsing: name) == nil)
    }

    @Test func aLaterEpochWinsOverALaterStep() {
        #expect(CheckpointName(step: 900, epoch: 1) < CheckpointName(step: 10, epoch: 2))
    }

    @Test(arguments: [("leraning_rate", "learning_rate"), ("lr_", "lr"), ("tokns", "tokens")])
    func aSlipFindsItsWord(_ slip: String, _ word: String) {
        #expect(NearestKey.of(slip, among: ["learning_rate", "lr", "tokens", "weight_decay"]) == word)
    }

    @Test func nothingIsSuggestedForAStranger() {
        #expect(NearestKey.of("zebra", among: ["learning_rate", "tokens"]) == nil)
    }
}
