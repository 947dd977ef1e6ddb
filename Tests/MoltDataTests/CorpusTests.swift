import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Reading: what becomes a document, and what every kind of bad file says.
struct CorpusTests {
    private let folder = TemporaryFolder("corpus")
    private let tokenizer = ByteTokenizer()

    private func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let path = folder(name)
        try DurableFile.write(Data(bytes), to: path)
        return path
    }

    private func corpus(_ name: String, _ text: String) throws -> Corpus {
        try Corpus(files: [write(name, text.utf8)], tokenizer: tokenizer)
    }

    private func message(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let path = try write(name, bytes)
        let error = #expect(throws: UserError.self) { try Corpus(files: [path], tokenizer: tokenizer) }
        return (error?.description ?? "").replacing(folder.path + "/", with: "")
    }

    /// Trained on as it is, a file may have lines four times as long as one that is prepared.
    @Test func aLineLongerThanTheLimitIsNamed() throws {
        let path = folder("a.jsonl")
        try Data("{\"text\": \"a\"}\n".utf8).write(to: URL(filePath: path))
        // A hole of zeros, which takes no room on the disk.
        #expect(truncate(path, (256 << 20) + (2 << 20)) == 0)
        let error = #expect(throws: UserError.self) { try Corpus(files: [path], tokenizer: ByteTokenizer()) }
        #expect(error?.location == "\(path):2")
        #expect(error?.what == "the line is longer than \(256 << 20) bytes")
        #expect(error?.fix?.contains("--skip-bad") == true)
    }

    @Test func plainTextIsOneDocumentWhateverItsBytes() throws {
        let bytes: [UInt8] = [0, 255, 0xC3, 10, 65]
        let corpus = try Corpus(files: [write("a.txt", bytes)], tokenizer: tokenizer)
        #expect(corpus.documentCount == 1)
        #expect(try corpus.document(0) == Document(tokens: [256, 0, 255, 0xC3, 10, 65, 257], firstTarget: 1))
        #expect(tokenizer.decode(try corpus.document(0).tokens) == bytes)
    }

    @Test func everySliceOfAPlainTextEqualsTheDocuments() throws {
        let corpus = try corpus("a.txt", "hello")
        let whole = try corpus.document(0).tokens
        for start in 0...whole.count {
            for end in start...whole.count where start < end {
                #expect(try Array(corpus.tokens(of: 0, in: start..<end)) == Array(whole[start..<end]))
            }
        }
    }

    @Test func jsonLinesAreDocumentsAndTheLossStartsAfterThePrompt() throws {
        let corpus = try corpus(
            "a.jsonl",
            #"{"text": "a\n\u00e9\ud83d\ude00", "id": [1, {"x": null}], "score": -1.5e3}"# + "\n\n"
                + #"{"completion": "no", "prompt": "q?"}"#)
        #expect(corpus.documentCount == 2)
        #expect(tokenizer.decode(try corpus.document(0).tokens) == Array("a\né😀".utf8))
        let second = try corpus.document(1)
        #expect(second == Document(tokens: [256, 113, 63, 110, 111, 257], firstTarget: 3))
        #expect(corpus.tokenCount == 10 + 6)
    }

    @Test func linesLongerThanAReadBlockAreWhole() throws {
        let long = String(repeating: "x", count: 3 << 20)
        let corpus = try corpus("a.jsonl", "{\"text\": \"\(long)\"}\n{\"text\": \"end\"}\n")
        #expect(corpus.shapes.map(\.tokens) == [long.utf8.count + 2, 5])
        #expect(tokenizer.decode(try corpus.document(1).tokens) == Array("end".utf8))
    }

    @Test(arguments: [
        (
            "{\"text\": \"a\"}\n{\"text\": \"b\"\n",
            "bad.jsonl:2: not a JSON object: the line ends too early, at byte 12 of the line"
        ),
        ("[1]\n", "bad.jsonl:1: not a JSON object: expected an object, at byte 0 of the line"),
        (
            "{\"text\": 5}",
            "bad.jsonl:1: not a JSON object: the value of \"text\" is not a string, at byte 9 of the line"
        ),
        ("{\"text\": \"a\"} x", "bad.jsonl:1: not a JSON object: text after the object, at byte 14 of the line"),
        (
            "{\"text\": \"a\", \"n\": nul}",
            "bad.jsonl:1: not a JSON object: expected a value, at byte 19 of the line"
        ),
        (
            "{\"text\": \"\\ud800\"}",
            "bad.jsonl:1: not a JSON object: half of a surrogate pair, at byte 16 of the line"
        ),
        (
            "{\"text\": \"a\", \"text\": \"b\"}",
            "bad.jsonl:1: not a JSON object: the key \"text\" appears twice, at byte 14 of the line"
        ),
    ])
    func aMalformedLineIsNamedByFileLineAndByte(text: String, expected: String) throws {
        #expect(try message("bad.jsonl", text.utf8) == expected)
    }

    @Test(arguments: [
        "{\"prompt\": \"a\"}", "{\"completion\": \"a\"}", "{}",
        "{\"text\": \"a\", \"prompt\": \"b\", \"completion\": \"c\"}",
    ])
    func aLineWithoutATextSaysWhatItNeeds(text: String) throws {
        #expect(try message("bad.jsonl", text.utf8).hasPrefix("bad.jsonl:1: the line needs either \"text\""))
    }

    @Test(arguments: [
        ([0xFF] as [UInt8], 0), ([0x61, 0xC0, 0x80], 1), ([0xED, 0xA0, 0x80], 0), ([0x61, 0x62, 0xE2, 0x82], 2),
        ([0xF4, 0x90, 0x80, 0x80], 0),
    ])
    func bytesThatAreNotUTF8AreNamedByOffset(bytes: [UInt8], offset: Int) throws {
        let head = Array("{\"text\": \"ok\"}\n{\"text\": \"".utf8)
        let found = try message("bad.jsonl", head + bytes + Array("\"}".utf8))
        #expect(
            found.hasPrefix(
                "bad.jsonl:2: byte \(10 + offset) of the line (offset \(25 + offset) of the file) is not UTF-8"))
    }

    @Test func emptyAndMissingFilesAreUserErrors() throws {
        #expect(try message("empty.txt", []).hasPrefix("empty.txt: the data file is empty"))
        #expect(
            try message("blank.jsonl", Array("\n \n".utf8)).hasPrefix("blank.jsonl: the data file has no documents")
        )
        #expect(throws: UserError.self) { try Corpus(files: [folder("none.txt")], tokenizer: tokenizer) }
    }

    @Test func indexingALargeFileGivesSignsOfLife() throws {
        let line = Array("{\"text\": \"\(String(repeating: "x", count: 1000))\"}\n".utf8)
        let path = try write("large.jsonl", Array(repeating: line, count: 3000).flatMap(\.self))
        var beats = 0
        let corpus = try Corpus(files: [path], tokenizer: tokenizer) { beats += 1 }
        #expect(corpus.documentCount == 3000)
        #expect(beats >= 3)
    }

    @Test func anUnknownTokenizerIsAUserError() {
        #expect(throws: UserError.self) { try Tokenizers.named("nope.json") }
        #expect(Tokenizers.paddedSize(ByteTokenizer().vocabularySize) == 264)
    }

    @Test func aFileCutShortAfterIndexingIsAnErrorNotACrash() throws {
        let path = try write("a.txt", Array("hello world".utf8))
        let corpus = try Corpus(files: [path], tokenizer: tokenizer)
        let handle = try #require(FileHandleForTests(path))
        handle.truncate(to: 3)
        #expect(throws: UserError.self) { try corpus.document(0) }
    }
}
