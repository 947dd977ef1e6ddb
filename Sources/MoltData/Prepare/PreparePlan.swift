import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Which bytes of which files make which unit: a function of the settings and the files, never of threads or ranks.
struct PreparePlan: Codable, Equatable {
    var version = 1
    var settings: PrepareSettings
    var tokenizer: String
    var vocabulary: Int
    var chat: String?
    var inputs: [Input]
    var unitBytes: Int

    struct Input: Codable, Equatable {
        var path: String
        var bytes: Int
        /// Nanoseconds since 1970 of the last change.
        var changed: Int
        var isJSON: Bool
    }

    /// A stretch of one input.
    struct Part: Equatable, Sendable {
        var input: Int
        var range: Range<Int>
    }

    init(_ settings: PrepareSettings, tokenizer: any Tokenizer, chat: (any ChatRenderer)?) throws(UserError) {
        try settings.check()
        self.settings = settings
        self.tokenizer = tokenizer.name
        vocabulary = tokenizer.vocabularySize
        self.chat = chat?.name
        inputs = []
        for path in try DataPaths.resolve(settings.inputs, key: "the data") { inputs.append(try Self.input(path)) }
        let total = inputs.reduce(0) { $0 + $1.bytes }
        unitBytes = settings.unitBytes ?? Self.unitBytes(total)
    }

    var bytes: Int { inputs.reduce(0) { $0 + $1.bytes } }

    /// Small enough to keep many cores busy and to lose little, large enough that there are not too many files.
    private static func unitBytes(_ total: Int) -> Int {
        var size = Limits.unitBytesMin
        while size < Limits.unitBytesMax, total / size > Limits.unitsWanted { size *= 2 }
        return size
    }

    /// Stretches of line files, and whole text files; what is small shares a unit.
    func units() -> [[Part]] {
        var units: [[Part]] = [], current: [Part] = [], filled = 0
        func close() {
            if !current.isEmpty { units.append(current) }
            (current, filled) = ([], 0)
        }
        for (index, input) in inputs.enumerated() {
            let isLines = input.isJSON || settings.textUnit == .line
            var from = 0
            repeat {
                let room = max(1, unitBytes - filled)
                let count = isLines ? min(room, input.bytes - from) : input.bytes
                current.append(Part(input: index, range: from..<(from + count)))
                from += count
                filled += count
                if filled >= unitBytes { close() }
            } while from < input.bytes
        }
        close()
        return units
    }

    private static func input(_ path: String) throws(UserError) -> Input {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw UserError("cannot look at the file: \(String(cString: strerror(errno)))", at: path)
        }
        let file = try DataFile(path: path)
        let head = try file.read(at: 0, count: min(file.size, 4))
        if let kind = packedKind(head) {
            throw UserError("\(kind.name) is not read", at: path, fix: kind.fix)
        }
        return Input(
            path: path, bytes: file.size,
            changed: Int(status.st_mtim.tv_sec) &* 1_000_000_000 &+ Int(status.st_mtim.tv_nsec),
            isJSON: Corpus.isJSONLines(path))
    }

    /// Formats that would look like text and give nonsense.
    private static func packedKind(_ head: [UInt8]) -> (name: String, fix: String)? {
        switch head {
        case _ where head.starts(with: [0x1F, 0x8B]):
            ("a gzip file", "unpack it first: gunzip -k FILE")
        case [0x28, 0xB5, 0x2F, 0xFD]:
            ("a zstd file", "unpack it first: zstd -d FILE")
        case Array("PAR1".utf8):
            (
                "a Parquet file",
                "write it as JSONL first, with pyarrow for instance: "
                    + "pandas.read_parquet(FILE).to_json(OUT, orient='records', lines=True)"
            )
        default: nil
        }
    }
}
