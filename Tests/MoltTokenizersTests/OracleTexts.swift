import FoundationEssentials
import MoltTesting

#if canImport(Glibc)
import Glibc
#endif

/// What the libraries make of the texts, as `Oracle/cases.py` writes it.
struct OracleTexts: Sendable {
    let folder: String
    let texts: [[UInt8]]
    /// A folder for each tokenizer.
    let names: [String]

    /// A few megabytes in `make test`; MOLT_TEST_TOKENIZER_MB of another seed in a soak.
    static let shared = Result { try OracleTexts() }

    private init() throws {
        let megabytes = ProcessInfo.processInfo.environment["MOLT_TEST_TOKENIZER_MB"] ?? "0.5"
        folder = try Self.make(megabytes)
        texts = try Self.items("\(folder)/texts.bin").map { Array($0) }
        names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted().filter {
            [folder] in FileManager.default.fileExists(atPath: "\(folder)/\($0)/ids.bin")
        }
    }

    /// The file of a tokenizer's own format.
    func file(_ name: String) -> String {
        let files = ["tokenizer.json", "tokenizer.model", "tokenizer.tiktoken"].map { "\(folder)/\(name)/\($0)" }
        return files.first { FileManager.default.fileExists(atPath: $0) } ?? "\(folder)/\(name)"
    }

    func ids(_ name: String) throws -> [[Int32]] { try Self.numbers("\(folder)/\(name)/ids.bin") }

    private static func numbers(_ path: String) throws -> [[Int32]] {
        try items(path, width: 4).map { bytes in
            bytes.withUnsafeBytes { raw in
                (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: $0 * 4, as: Int32.self) }
            }
        }
    }

    func decoded(_ name: String) throws -> [[UInt8]] {
        try Self.items("\(folder)/\(name)/decoded.bin").map { Array($0) }
    }

    private static func items(_ path: String, width: Int = 1) throws -> [ArraySlice<UInt8>] {
        let bytes = try [UInt8](Data(contentsOf: URL(filePath: path)))
        func number(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) } }
        var result: [ArraySlice<UInt8>] = []
        var at = 4
        for _ in 0..<number(0) {
            let count = number(at) * width
            result.append(bytes[at + 4..<at + 4 + count])
            at += 4 + count
        }
        return result
    }

    // MARK: Making the files

    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    /// Made once for every state of the scripts, the seed and the size.
    private static func make(_ megabytes: String) throws -> String {
        try make("tokenizers", ["cases.py", "corpus.py"], [String(Trial.seed), megabytes, "10000"])
    }

    /// Small random unigram models of SentencePiece: NUMBER.model, texts and their ids.
    static func unigrams(_ count: Int) throws -> (folder: String, texts: [[UInt8]], ids: [[Int32]]) {
        let folder = try make("unigrams", ["unigrams.py"], [String(Trial.seed), String(count)])
        return (folder, try items("\(folder)/texts.bin").map { Array($0) }, try numbers("\(folder)/ids.bin"))
    }

    /// The folder that a script has filled.
    /// - Parameter scripts: that which runs, and those that it imports.
    private static func make(_ name: String, _ scripts: [String], _ arguments: [String]) throws -> String {
        let scripts = scripts.map { "\(root)/Tests/MoltTokenizersTests/Oracle/\($0)" }
        let sources = (scripts + ["\(root)/Scripts/oracles.txt"]).map { "'\($0)'" }.joined(separator: " ")
        let key = try run("cat \(sources) | sha256sum | cut -c 1-12")
        let folder = "\(root)/build/oracles/\(([name, key] + arguments).joined(separator: "-"))"
        guard !FileManager.default.fileExists(atPath: "\(folder)/done") else { return folder }
        // A soak makes hundreds of megabytes for every seed. Trials run beside each other, none for an hour.
        if Trial.isSoak {
            _ = try run(
                "mkdir -p '\(root)/build/oracles' && find '\(root)/build/oracles' -maxdepth 1 -name '\(name)-*' "
                    + "-mmin +60 -exec rm -rf {} +")
        }
        let python = try run("'\(root)/Scripts/oracles'")
        let words = arguments.map { "'\($0)'" }.joined(separator: " ")
        _ = try run("'\(python)' '\(scripts[0])' '\(folder)' \(words) >&2 && touch '\(folder)/done'")
        return folder
    }

    /// Conversations with what transformers makes of them.
    static func chats() throws -> Data {
        let script = "\(root)/Tests/MoltTokenizersTests/Oracle/chats.py"
        let key = try run("cat '\(script)' '\(root)/Scripts/oracles.txt' | sha256sum | cut -c 1-12")
        let path = "\(root)/build/oracles/chats-\(key).json"
        if !FileManager.default.fileExists(atPath: path) {
            let python = try run("'\(root)/Scripts/oracles'")
            let order = "mkdir -p '\(root)/build/oracles' && '\(python)' '\(script)' '\(path).new' >&2"
            _ = try run("\(order) && mv '\(path).new' '\(path)'")
        }
        return try Data(contentsOf: URL(filePath: path))
    }

    /// The JSON texts of some members of each object of a list, nil for null; their keys keep their order.
    static func members(of data: Data, _ names: [String]) throws -> [[[UInt8]?]] {
        let python = """
            import json, sys
            for case in json.load(open(sys.argv[1])):
                for name in sys.argv[2:]:
                    print(json.dumps(case[name]))
            """
        let folder = TemporaryFolder("members")
        try data.write(to: URL(filePath: folder("data.json")))
        try Data(python.utf8).write(to: URL(filePath: folder("members.py")))
        _ = try run(
            "python3 '\(folder("members.py"))' '\(folder("data.json"))' \(names.joined(separator: " ")) "
                + "> '\(folder("lines"))'")
        let lines = try [UInt8](Data(contentsOf: URL(filePath: folder("lines")))).split(separator: 0x0A)
        return stride(from: 0, to: lines.count, by: names.count).map { start in
            lines[start..<start + names.count].map { Array($0) == Array("null".utf8) ? nil : Array($0) }
        }
    }

    /// The last line that a shell command prints.
    static func run(_ command: String) throws -> String {
        guard let pipe = popen(command, "r") else { throw OracleFailure() }
        var text = ""
        var buffer = [CChar](repeating: 0, count: 1 << 16)
        while fgets(&buffer, Int32(buffer.count), pipe) != nil {
            text += String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        guard pclose(pipe) == 0 else { throw OracleFailure() }
        return text.split(separator: "\n").last.map(String.init) ?? ""
    }
}

struct OracleFailure: Error, CustomStringConvertible {
    var description: String {
        "the oracle's files cannot be made, see above for why; Scripts/oracles fetches what it needs"
    }
}
