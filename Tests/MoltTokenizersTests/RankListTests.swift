import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTokenizers
import Testing

/// tiktoken's tokens in the JSON of Mistral and of NeMo: the ids are tiktoken's, behind those of the special tokens.
@Suite(.serialized) struct RankListTests {
    private let folder = TemporaryFolder("ranks")
    private static let firstID: Int32 = 20

    private struct Sidecar: Decodable {
        var pattern: String
        var special_tokens: [String: Int32]
    }

    private struct Token: Encodable {
        var rank: Int
        var token_bytes: String
    }

    private struct Special: Encodable {
        var rank: Int
        var token_str: String
    }

    private struct Tekken: Encodable {
        struct Config: Encodable {
            var pattern: String
            var default_vocab_size: Int
            var default_num_special_tokens = Int(RankListTests.firstID)
        }
        var config: Config
        var vocab: [Token]
        var special_tokens: [Special]
    }

    private struct Beside: Encodable {
        var pattern: String
        var num_special_tokens = Int(RankListTests.firstID)
        var vocab_size: Int
        var special_tokens: [String: Int]
    }

    @Test func theirIDsAreThoseOfTiktoken() throws {
        let oracle = try OracleTexts.shared.get()
        let names = oracle.names.filter { $0.hasPrefix("tiktoken") }
        try #require(!names.isEmpty)
        for name in names {
            let file = oracle.file(name)
            let sidecar = try JSONDecoder().decode(Sidecar.self, from: DurableFile.read("\(file).json"))
            let tokens = try DurableFile.read(file).split(separator: 0x0A).compactMap { line -> Token? in
                let words = String(decoding: line, as: UTF8.self).split(separator: " ")
                return words.count == 2 ? Int(words[1]).map { Token(rank: $0, token_bytes: String(words[0])) } : nil
            }
            let specials = sidecar.special_tokens.sorted { $0.value < $1.value }.map(\.key)
            let size = Int(Self.firstID) + (tokens.map(\.rank).max() ?? 0) + 1
            let tekken = Tekken(
                config: .init(pattern: sidecar.pattern, default_vocab_size: size), vocab: tokens,
                special_tokens: specials.enumerated().map { Special(rank: $0, token_str: $1) })
            try JSONFile.write(tekken, to: folder("tekken.json"))
            try JSONFile.write(tokens, to: folder("list.json"))
            let ids = Dictionary(uniqueKeysWithValues: specials.enumerated().map { ($1, $0) })
            try JSONFile.write(
                Beside(pattern: sidecar.pattern, vocab_size: size, special_tokens: ids), to: folder("list.json.json"))
            let moved = Dictionary(
                uniqueKeysWithValues: specials.enumerated().compactMap { index, name in
                    sidecar.special_tokens[name].map { ($0, Int32(index)) }
                })
            let theirs = try oracle.ids(name)
            for path in [folder("tekken.json"), folder("list.json")] {
                let tokenizer = try TokenizerFile.open(path, key: "data.tokenizer")
                #expect(tokenizer.vocabularySize == size)
                #expect(try TokenizerSize.at(path)?.ids == size)
                var different = 0
                for (index, text) in oracle.texts.enumerated() where index % 5 == 0 {
                    let expected = theirs[index].map { moved[$0] ?? $0 + Self.firstID }
                    if try tokenizer.encode(text) != expected { different += 1 }
                }
                #expect(different == 0, "\(name): \(path)")
            }
        }
    }

    private static let bytes = (0..<256).map { Data([UInt8($0)]).base64EncodedString() }
    private static let vocabulary = bytes.enumerated().map { #"{"rank": \#($0), "token_bytes": "\#($1)"}"# }
        .joined(separator: ", ")

    private static func tekken(_ vocabulary: String, size: Int = 266, specials: Int = 10) -> String {
        #"{"config": {"pattern": "\\w+|\\W", "default_vocab_size": \#(size), "#
            + #""default_num_special_tokens": \#(specials)}, "vocab": [\#(vocabulary)]}"#
    }

    private static let hostile: [(String, String)] = [
        (tekken(""), "not every byte is a token"),
        (tekken(vocabulary, size: 200), "not every byte is a token"),
        (tekken(vocabulary, specials: 300), "300 special tokens are more than 266 ids"),
        (tekken(vocabulary + #", {"rank": 3, "token_bytes": "AAA="}"#), "two tokens share the rank 3"),
        (tekken(vocabulary + #", {"rank": 256, "token_bytes": "!"}"#), "not a token in base 64"),
        (tekken(vocabulary + #", {"rank": -1, "token_bytes": "AAA="}"#), "not an id"),
        (tekken(vocabulary + #", {"rank": 1e300, "token_bytes": "AAA="}"#), "not an id"),
        (tekken(vocabulary, specials: 1 << 30), "not an id"),
        ("[\(vocabulary)]", "the pattern that cuts words is not in the list"),
        ("[[]]", "the pattern that cuts words is not in the list"),
    ]

    @Test(arguments: hostile)
    func whatIsNoSuchListIsRefused(_ text: String, _ expected: String) throws {
        try DurableFile.write(Data(text.utf8), to: folder("tekken.json"))
        let error = #expect(throws: UserError.self) { try TokenizerFile.open(folder.path, key: "data.tokenizer") }
        let message = "\(try #require(error))"
        #expect(message.contains(expected), "\(message)")
    }

    @Test func aListOfBytesIsReadAndATiktokenFileUnderAnotherName() throws {
        try DurableFile.write(Data(Self.tekken(Self.vocabulary).utf8), to: folder("tekken.json"))
        let tokenizer = try TokenizerFile.open(folder.path, key: "data.tokenizer")
        #expect(try tokenizer.encode(Array("a</s>".utf8)) == [97 + 10, 2])
        #expect(tokenizer.id(of: "<SPECIAL_9>") == 9)
        try FileManager.default.removeItem(atPath: folder("tekken.json"))
        let ranks = Self.bytes.enumerated().map { "\($1) \($0)\n" }.joined()
        try DurableFile.write(Data(ranks.utf8), to: folder("tokenizer.model"))
        let sidecar = #"{"pattern": "\\w+|\\W", "special_tokens": {"<|end_of_text|>": 256}}"#
        try DurableFile.write(Data(sidecar.utf8), to: folder("tokenizer.model.json"))
        let renamed = try TokenizerFile.open(folder.path, key: "data.tokenizer")
        #expect(try renamed.encode(Array("a<|end_of_text|>".utf8)) == [97, 256])
        #expect(try TokenizerSize.at(folder.path)?.ids == 257)
    }
}
