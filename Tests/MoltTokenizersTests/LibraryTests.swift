import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTokenizers
import Testing

/// Ids and texts are those of `tokenizers`, `sentencepiece` and `tiktoken`, on every text and for every kind of
/// tokenizer. What is not UTF-8 goes to the libraries as it is where they take bytes, else as U+FFFD.
@Suite(.serialized) struct LibraryTests {
    @Test func idsAndTextsAreThoseOfTheLibraries() throws {
        let oracle = try OracleTexts.shared.get()
        #expect(oracle.names.count >= 30)
        #expect(oracle.texts.count > 10_000)
        let only = ProcessInfo.processInfo.environment["MOLT_TEST_TOKENIZER"]
        var bytes = 0
        var different = 0
        let names = oracle.names.filter { only == nil || only == $0 }
        try #require(!names.isEmpty, "MOLT_TEST_TOKENIZER is none of \(oracle.names.joined(separator: ", "))")
        for name in names {
            let (wrong, read) = try Self.compare(name, oracle)
            different += wrong
            bytes += read
        }
        #expect(different == 0)
        Trial.report(
            "tokenizers", ["megabytes": Double(bytes) / 1e6, "different": Double(different)])
    }

    /// - Returns: texts that came out differently, and the bytes that were encoded.
    private static func compare(_ name: String, _ oracle: OracleTexts) throws -> (Int, Int) {
        let tokenizer = try TokenizerFile.open(oracle.file(name), key: "data.tokenizer")
        #expect(try TokenizerSize.at(oracle.file(name))?.ids == tokenizer.vocabularySize, "\(name)")
        let ids = try oracle.ids(name)
        let decoded = try oracle.decoded(name)
        try #require(ids.count == oracle.texts.count && decoded.count == oracle.texts.count)
        var different = 0
        var bytes = 0
        for (index, text) in oracle.texts.enumerated() {
            bytes += text.count
            let own = try tokenizer.encode(text, addingSpecials: true)
            // The library for tiktoken files gives bytes, and those of all tokens; the others give texts.
            let givesBytes = name.hasPrefix("tiktoken")
            var back = try tokenizer.decode(ids[index], skippingSpecials: !givesBytes)
            if !givesBytes { back = Array(String(decoding: back, as: UTF8.self).utf8) }
            guard own != ids[index] || back != decoded[index] else { continue }
            different += 1
            guard different <= 3 else { continue }
            Issue.record(
                """
                \(name): text \(index) \(String(decoding: text.prefix(300), as: UTF8.self).debugDescription)
                ids  \(Self.around(own, ids[index]))
                not  \(Self.around(ids[index], own))
                text \(String(decoding: back.prefix(200), as: UTF8.self).debugDescription)
                not  \(String(decoding: decoded[index].prefix(200), as: UTF8.self).debugDescription)
                """)
        }
        return (different, bytes)
    }

    /// What a list has around the first place where it is not like another.
    private static func around(_ list: [Int32], _ other: [Int32]) -> String {
        let at = zip(list, other).enumerated().first { $1.0 != $1.1 }?.offset ?? min(list.count, other.count)
        return "(\(list.count)) at \(at): \(list[max(0, at - 3)..<min(list.count, at + 8)])"
    }
}
