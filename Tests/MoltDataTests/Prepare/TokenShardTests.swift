import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

/// The file format: what goes in comes out, and what is damaged is refused when it is opened.
struct TokenShardTests {
    private let folder = TemporaryFolder("shard")

    private static let documents = [
        Document(tokens: [256, 1, 2, 3, 257], firstTarget: 1), Document(tokens: [256, 7, 8, 257], firstTarget: 2),
        Document(tokens: [256, 1, 2, 3, 4, 5, 6, 257], spans: [2..<4, 6..<8]),
    ]

    private func write(_ documents: [Document], vocabulary: Int) throws -> String {
        let writer = try TokenShardWriter(path: folder("a.part"), vocabulary: vocabulary)
        for document in documents { try writer.append(document) }
        try writer.finish(as: folder("a.tokens"))
        return folder("a.tokens")
    }

    @Test(arguments: [259, 65_536, 65_537, 256_000])
    func documentsComeOutAsTheyWentIn(vocabulary: Int) throws {
        var documents = Self.documents
        documents[0].tokens[2] = Int32(vocabulary - 1)
        let path = try write(documents, vocabulary: vocabulary)
        let shard = try TokenShard(path: path)
        #expect(shard.documents == 3 && shard.tokens == 17)
        for (index, document) in documents.enumerated() {
            #expect(try shard.tokens(of: index) == document.tokens)
            #expect(shard.shape(of: index) == document.shape)
            #expect(try Array(shard.tokens(of: index, in: 1..<3)) == Array(document.tokens[1..<3]))
        }
        let size = try DurableFile.read(path).count
        #expect(size == 64 + (17 * (vocabulary > 65_536 ? 4 : 2) + 7) / 8 * 8 + 4 * 8 + 4 * 8 + 3 * 8)
    }

    @Test func everyTruncationAndEveryDamagedHeaderIsRefusedOrHarmless() throws {
        let path = try write(Self.documents, vocabulary: 259)
        let whole = Array(try DurableFile.read(path))
        for count in 0..<whole.count {
            try Data(whole[0..<count]).write(to: URL(filePath: path))
            #expect(throws: UserError.self, "\(count) bytes") { try TokenShard(path: path) }
        }
        var generator = SeededGenerator(11), opened = 0
        for _ in 0..<2000 {
            var bytes = whole
            let at = Int(generator.below(UInt64(whole.count)))
            bytes[at] = UInt8(truncatingIfNeeded: generator.next())
            try Data(bytes).write(to: URL(filePath: path))
            guard let shard = try? TokenShard(path: path) else { continue }
            opened += 1
            for document in 0..<shard.documents {
                _ = shard.shape(of: document)
                _ = try? shard.tokens(of: document)
            }
        }
        #expect(opened > 100, "a changed token is still a shard")
    }

    @Test func anIdBeyondTheVocabularyIsAnErrorAndNotAnIndex() throws {
        let path = try write([Document(tokens: [256, 300, 257], firstTarget: 1)], vocabulary: 259)
        let shard = try TokenShard(path: path)
        let error = #expect(throws: UserError.self) { try shard.tokens(of: 0) }
        #expect(error?.what.contains("300") == true)
    }

    @Test func preparedDataOfAnotherTokenizerIsRefused() throws {
        let work = Prepared()
        try work.write("a.jsonl", #"{"text": "a"}"#)
        try work.run(["a.jsonl"])
        let path = work.folder("out/prepared.json")
        let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
        try DurableFile.write(Data(text.replacing(":\"bytes\"", with: ":\"words\"").utf8), to: path)
        let error = #expect(throws: UserError.self) { try work.source() }
        #expect(error?.description.contains("the tokenizer words (259 ids), and the run uses bytes") == true)
    }
}
