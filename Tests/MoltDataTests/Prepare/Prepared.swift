import FoundationEssentials
import MoltCore
import MoltData
import MoltTesting

/// A folder with input files, and what a preparation makes of them.
struct Prepared {
    let folder = TemporaryFolder("prepare")
    let tokenizer = ByteTokenizer()

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        try write(name, Array(text.utf8))
    }

    @discardableResult
    func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        let path = folder(name)
        if let slash = name.lastIndex(of: "/") { try DurableFile.makeFolder(folder(String(name[..<slash]))) }
        try DurableFile.write(Data(bytes), to: path)
        return path
    }

    /// Prepares what `inputs` match, and opens it.
    @discardableResult
    func run(
        _ inputs: [String], out: String = "out", threads: Int = 2, ranks: Int = 1,
        _ change: (inout PrepareSettings) -> Void = { _ in }
    ) throws -> PreparedFolder {
        var settings = PrepareSettings(inputs: inputs.map { folder($0) })
        change(&settings)
        var result: PreparedFolder?
        // The first rank last: it puts together what the others have done.
        for rank in (0..<ranks).reversed() {
            let start = try Preparation(
                settings, out: folder(out), tokenizer: tokenizer, chat: PlainChatRenderer(tokenizer: tokenizer),
                threads: threads, share: ranks == 1 ? .whole : .rank(rank, of: ranks))
            if rank > 0 { try Self.begin(settings, folder(out), ranks) }
            if case .done(let prepared) = try start.run() { result = prepared }
        }
        guard let result else { throw Missing() }
        return result
    }

    struct Missing: Error {}

    /// What the first rank does before it can be stopped: the plan that the others wait for.
    private static func begin(_ settings: PrepareSettings, _ out: String, _ ranks: Int) throws {
        let tokenizer = ByteTokenizer()
        _ = try Preparation(
            settings, out: out, tokenizer: tokenizer, chat: PlainChatRenderer(tokenizer: tokenizer), threads: 1,
            share: .rank(0, of: ranks)
        ).run(isStopped: { true })
    }

    func source(_ split: DataSplit = .train, out: String = "out") throws -> PreparedSource {
        try PreparedSource(folder(out), split, tokenizer: tokenizer)
    }

    /// The texts of the documents of a split, in order.
    func texts(_ split: DataSplit = .train, out: String = "out") throws -> [String] {
        let source = try source(split, out: out)
        return try source.shapes.indices.map { index in
            let tokens = try source.tokens(of: index, in: 0..<source.shapes[index].tokens)
            return String(decoding: tokenizer.decode(tokens), as: UTF8.self)
        }
    }

    /// Every file of a prepared folder with what it holds.
    func contents(_ out: String = "out") throws -> [String: Data] {
        var result: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: folder(out)) {
            result[name] = try DurableFile.read("\(folder(out))/\(name)", limit: 1 << 30)
        }
        return result
    }

    func complaint(_ inputs: [String], _ change: (inout PrepareSettings) -> Void = { _ in }) -> String {
        do {
            try run(inputs, change)
            return "nothing"
        } catch {
            return "\(error)".replacing(folder.path + "/", with: "")
        }
    }
}
