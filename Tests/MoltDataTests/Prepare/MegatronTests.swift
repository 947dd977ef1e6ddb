import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Megatron's `.bin` and `.idx`, read and written, against numpy.
struct MegatronTests {
    private let work = Prepared()

    private static let root = "/" + #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
    private static let python = Result { try output("'\(root)/Scripts/oracles'") }

    struct Failure: Error { let text: String }

    private static func output(_ command: String) throws -> String {
        guard let pipe = popen(command, "r") else { throw Failure(text: "no shell") }
        var text = "", buffer = [CChar](repeating: 0, count: 4096)
        while fgets(&buffer, Int32(buffer.count), pipe) != nil {
            text += String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        guard pclose(pipe) == 0 else { throw Failure(text: command) }
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }

    private func numpy(_ words: String...) throws -> [String] {
        let script = "\(Self.root)/Tests/MoltDataTests/Oracle/megatron.py"
        let command = ([try Self.python.get(), script] + words).map { "'\($0)'" }.joined(separator: " ")
        return try Self.output(command).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }

    private func documents(_ source: any DocumentSource) throws -> [String] {
        try source.shapes.indices.map { index in
            try source.tokens(of: index, in: 0..<source.shapes[index].tokens).map { "\($0)" }.joined(separator: " ")
        }
    }

    @Test(arguments: ["uint8", "int8", "int16", "int32", "int64", "uint16"])
    func whatNumpyWroteIsRead(type: String) throws {
        _ = try numpy("write", work.folder("data"), type)
        let expected = try Array(numpy("read", work.folder("data")).dropFirst())
        let source = try MegatronIndex(work.folder("data.idx"), tokenizer: work.tokenizer)
        #expect(try documents(source) == expected)
        #expect(source.shapes.map(\.tokens) == [5, 1, 7, 7, 6])
        for (index, shape) in source.shapes.enumerated() {
            let whole = try Array(source.tokens(of: index, in: 0..<shape.tokens))
            for from in 0..<shape.tokens {
                for to in from..<shape.tokens {
                    #expect(try Array(source.tokens(of: index, in: from..<to)) == Array(whole[from..<to]))
                }
            }
        }
    }

    @Test func floatsAreRefused() throws {
        _ = try numpy("write", work.folder("data"), "float32")
        let error = #expect(throws: UserError.self) {
            try MegatronIndex(work.folder("data.bin"), tokenizer: work.tokenizer)
        }
        #expect(error?.what.contains("type code 7") == true)
    }

    @Test(arguments: [(259, "uint16"), (70_000, "int32")])
    func numpyReadsWhatIsWritten(vocabulary: Int, type: String) throws {
        try work.write("a.jsonl", #"{"text": "one"}"# + "\n" + #"{"prompt": "q", "completion": "äö"}"#)
        try work.run(["a.jsonl"])
        let source = try work.source()
        try MegatronExport.write(source, prefix: work.folder("out/export"), vocabulary: vocabulary)
        let found = try numpy("read", work.folder("out/export"))
        #expect(found.first == type)
        #expect(try Array(found.dropFirst()) == documents(source))
        #expect(throws: UserError.self) {
            try MegatronExport.write(source, prefix: work.folder("out/export"), vocabulary: vocabulary)
        }
        // And back, as part of a recipe's data.
        let opened = try DocumentSources.open(
            [work.folder("out/export.idx")], .train, key: "data.train", tokenizer: work.tokenizer)
        #expect(try documents(opened) == documents(source))
    }

    @Test func damagedIndexesAreRefusedAndNeverReadBeyondTheData() throws {
        _ = try numpy("write", work.folder("data"), "uint16")
        let path = work.folder("data.idx"), whole = Array(try DurableFile.read(path))
        for count in stride(from: 0, to: whole.count, by: 3) {
            try Data(whole[0..<count]).write(to: URL(filePath: path))
            #expect(throws: UserError.self) { try MegatronIndex(path, tokenizer: work.tokenizer) }
        }
        var generator = SeededGenerator(3), refused = 0
        for _ in 0..<1000 {
            var bytes = whole
            bytes[Int(generator.below(UInt64(whole.count)))] = UInt8(truncatingIfNeeded: generator.next())
            try Data(bytes).write(to: URL(filePath: path))
            guard let source = try? MegatronIndex(path, tokenizer: work.tokenizer) else {
                refused += 1
                continue
            }
            _ = try? documents(source)
        }
        #expect(refused > 300)
    }

    /// The last token of the data becomes an id that the vocabulary has not.
    @Test func anExportThatFailsLeavesNothing() throws {
        try work.write("a.jsonl", #"{"text": "one"}"#)
        try work.run(["a.jsonl"])
        let path = work.folder("out/train-00000.tokens")
        var bytes = Array(try DurableFile.read(path))
        bytes.replaceSubrange(72..<74, with: [0xFF, 0xFF])
        try DurableFile.write(Data(bytes), to: path)
        let before = try work.contents("out").keys.sorted()
        let error = #expect(throws: UserError.self) {
            try MegatronExport.write(work.source(), prefix: work.folder("out/m"), vocabulary: 259)
        }
        #expect(error?.what.contains("65535") == true)
        #expect(try work.contents("out").keys.sorted() == before)
    }

    @Test func idsOfAnotherTokenizerAreNamed() throws {
        try work.write("a.jsonl", #"{"text": "one"}"#)
        try work.run(["a.jsonl"])
        try MegatronExport.write(work.source(), prefix: work.folder("m"), vocabulary: 259)
        let few = try MegatronIndex(work.folder("m.idx"), tokenizer: SmallTokenizer())
        let error = #expect(throws: UserError.self) { try documents(few) }
        #expect(error?.what.contains("a token id is 256, and the tokenizer small has 200") == true)
    }
}

private struct SmallTokenizer: Tokenizer {
    var name: String { "small" }
    var vocabularySize: Int { 200 }
    var specials: SpecialTokens { ByteTokenizer().specials }
    var isBytewise: Bool { false }
    func encode(_ bytes: ArraySlice<UInt8>) -> [Int32] { [] }
    func decode(_ tokens: some Sequence<Int32>) -> [UInt8] { [] }
}
