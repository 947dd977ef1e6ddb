import FoundationEssentials
import MoltTesting
import MoltTokenizers
import Testing

/// Ids are those of `sentencepiece`, for small random unigram models in which ties and the rounding of sums decide:
/// few different scores, user-defined symbols beside pieces that hold them, sums far beyond 32 bits' precision.
@Suite(.serialized) struct UnigramTests {
    /// Texts of each model; `Oracle/unigrams.py` knows the number as well.
    private static let textsOfEach = 40

    @Test func tiesOfUnigramModelsAreDecidedAsTheLibraryDecidesThem() throws {
        let count = ProcessInfo.processInfo.environment["MOLT_TEST_TOKENIZER_MB"] == nil ? 100 : 3000
        let (folder, texts, ids) = try OracleTexts.unigrams(count)
        try #require(texts.count == count * Self.textsOfEach && ids.count == texts.count)
        var different = 0
        for number in 0..<count {
            let tokenizer = try TokenizerFile.open("\(folder)/\(number).model", key: "data.tokenizer")
            for index in number * Self.textsOfEach..<(number + 1) * Self.textsOfEach {
                let own = try tokenizer.encode(texts[index])
                guard own != ids[index] else { continue }
                different += 1
                guard different <= 3 else { continue }
                let text = String(decoding: texts[index].prefix(300), as: UTF8.self).debugDescription
                Issue.record("model \(number), \(text): \(own.prefix(60)), not \(ids[index].prefix(60))")
            }
        }
        #expect(different == 0, "of \(texts.count) texts")
    }

    /// Each piece with its score and kind: 1 ordinary, 2 unknown, 4 user-defined.
    private static func model(_ pieces: [(text: String, score: Float, kind: UInt8)]) -> [UInt8] {
        func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] { [number << 3 | 2, UInt8(bytes.count)] + bytes }
        let body = pieces.flatMap { piece in
            let bits = withUnsafeBytes(of: piece.score.bitPattern.littleEndian) { Array($0) }
            return field(1, field(1, Array(piece.text.utf8)) + [0x15] + bits + [0x18, piece.kind])
        }
        // A unigram model that adds no space.
        return body + field(2, [0x18, 1]) + field(3, [0x18, 0, 0x20, 0, 0x28, 1])
    }

    /// Symbols score a tenth for each byte after the first, whatever the largest score is: here "ab" twice has 0.2.
    @Test(arguments: [(0.2, [2]), (Float(0.2).nextDown, [1, 1]), (-1, [1, 1]), (3, [2])] as [(Float, [Int32])])
    func aSymbolsScoreIsItsLengths(_ score: Float, _ expected: [Int32]) throws {
        let folder = TemporaryFolder("unigram")
        let bytes = Self.model([("<unk>", 0, 2), ("ab", 7, 4), ("abab", score, 1), ("q", 5, 1)])
        try Data(bytes).write(to: URL(filePath: folder("t.model")))
        let tokenizer = try TokenizerFile.open(folder("t.model"), key: "data.tokenizer")
        #expect(try tokenizer.encode(Array("abab".utf8)) == expected)
    }

    /// At -100,000, 32 bits know no steps below 0.0078: "a" and "b" would tie with "ab", which comes first.
    @Test(arguments: [(99, [4]), (100, [2, 3]), (196, [4]), (202, [2, 3])] as [(Int, [Int32])])
    func sumsBeginAnewWhereTheyGetTooLarge(_ count: Int, _ expected: [Int32]) throws {
        let folder = TemporaryFolder("unigram")
        let bytes = Self.model([("<unk>", 0, 2), ("Q", -1000, 1), ("a", -0.1, 1), ("b", -0.1, 1), ("ab", -0.2005, 1)])
        try Data(bytes).write(to: URL(filePath: folder("t.model")))
        let tokenizer = try TokenizerFile.open(folder("t.model"), key: "data.tokenizer")
        let ids = try tokenizer.encode(Array((String(repeating: "Q", count: count) + "ab").utf8))
        #expect(Array(ids.dropFirst(count)) == expected)
    }
}
