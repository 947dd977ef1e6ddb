import MoltCore
import MoltData
import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// What `molt-train prepare` does for a person at a terminal.
package struct PrepareProgram {
    package var inputs: [String]
    package var out: String
    package var tokenizer: String
    /// See `TextTools.chat`.
    package var chatTemplate: String?
    package var validation = 0.0
    package var deduplicate = false
    package var bytesMin: Int?
    package var bytesMax: Int?
    package var tokensMin: Int?
    package var tokensMax: Int?
    package var conditions: [String] = []
    /// Every line of a plain text is a document of its own.
    package var splitsLines = false
    package var skipBad = false
    package var lineBytesMax: Int?
    package var unitBytes: Int?
    package var shardTokens: Int?
    /// `2/8` for one of several that share the work; nil for all of it.
    package var share: String?
    /// Nil takes every core there is.
    package var threads: Int?
    /// The packing that a report is wanted for; nil for none.
    package var sequenceLength: Int?
    package var printsJSON = false

    package init(inputs: [String], out: String, tokenizer: String) {
        self.inputs = inputs
        self.out = out
        self.tokenizer = tokenizer
    }

    private var settings: PrepareSettings {
        var settings = PrepareSettings(inputs: inputs)
        settings.validation = validation
        settings.deduplicate = deduplicate
        settings.filter.bytesMin = bytesMin
        settings.filter.bytesMax = bytesMax
        settings.filter.tokensMin = tokensMin
        settings.filter.tokensMax = tokensMax
        settings.filter.conditions = conditions
        settings.textUnit = splitsLines ? .line : .file
        settings.skipBad = skipBad
        settings.unitBytes = unitBytes
        if let lineBytesMax { settings.lineBytesMax = lineBytesMax }
        if let shardTokens { settings.shardTokens = shardTokens }
        return settings
    }

    /// - Returns: the exit status: 0, or 75 when it was stopped and will go on where it was.
    package func run(stop: StopSignal) throws -> Int32 {
        let started = Clock.monotonic()
        let (tokenizer, chat) = try TextTools.named(self.tokenizer, template: chatTemplate)
        let work = try Preparation(
            settings, out: out, tokenizer: tokenizer, chat: chat, threads: threads ?? Self.cores,
            share: share.map { text throws(UserError) in try PrepareShare(parsing: text) } ?? .whole)
        var line = ProgressLine()
        let outcome: Preparation.Outcome
        do {
            defer { line.end() }
            outcome = try work.run(isStopped: { stop.signal != nil }) { line.show($0, now: Clock.monotonic()) }
        }
        let folder: PreparedFolder
        switch outcome {
        case .done(let prepared): folder = prepared
        case .shareDone:
            StandardError.write("molt-train: this share is done; the last one to end puts all of them together")
            return JobExit.done.rawValue
        case .stopped:
            StandardError.write("molt-train: stopped; the same command goes on where it was")
            return JobExit.continueMe.rawValue
        }
        var page = PreparePage(folder, path: out)
        page.seconds = Clock.monotonic() - started
        page.threads = threads ?? Self.cores
        if let sequenceLength {
            page.packing = try PackingReport.of(
                [out], .train, tokenizer: tokenizer, chat: chat, sequenceLength: sequenceLength)
        }
        try page.print(asJSON: printsJSON)
        return 0
    }

    /// Those that this program may use.
    private static var cores: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }
}

/// What prints at the end of a preparation.
struct PreparePage: Encodable {
    var path: String
    var tokenizer: String
    var form: PreparedFolder.Form
    var report: PrepareReport
    var shards: [String: [PreparedFolder.Shard]]
    /// Of this start of the program; a preparation that was killed took longer.
    var seconds = 0.0
    var threads = 1
    var packing: PackingReport?

    init(_ folder: PreparedFolder, path: String) {
        self.path = path
        tokenizer = folder.tokenizer
        form = folder.form
        report = folder.report
        shards = folder.shards
    }

    func print(asJSON: Bool) throws {
        if asJSON { return StandardOutput.write(String(decoding: try JSONFile.encode(self), as: UTF8.self)) }
        StandardOutput.write(lines.joined(separator: "\n"))
    }

    private var lines: [String] {
        let unit = form == .pairs ? "texts of pairs" : "documents"
        var lines: [String] = []
        for split in DataSplit.allCases {
            guard let part = report.splits[split.rawValue] else { continue }
            lines.append(
                "\(split.rawValue): \(part.documents) \(unit), \(Quantities.text(Double(part.tokens))) tokens, "
                    + "\(shards[split.rawValue]?.count ?? 0) shards")
        }
        if report.duplicates > 0 { lines.append("duplicates left out: \(report.duplicates)") }
        for (name, count) in report.filtered.sorted(by: { $0.key < $1.key }) {
            lines.append("left out by \(name): \(count)")
        }
        for (name, count) in report.bad.sorted(by: { $0.key < $1.key }) {
            lines.append("malformed and passed over, \(name): \(count)")
        }
        lines += report.badExamples.map { "  \(DisplayText.escaped($0, limit: 400))" }
        let rate = Double(report.bytes) / max(seconds, 1e-3)
        lines.append(
            "\(Quantities.bytesText(Double(report.bytes))) of \(report.files) files in \(Durations.text(seconds)) "
                + "(\(Quantities.bytesText(rate))/s, \(threads) threads)")
        if let packing { lines += packing.lines }
        lines.append("data: {train: \(path)} is what a recipe says now")
        return lines
    }
}

enum StandardOutput {
    static func write(_ text: String) {
        var bytes = Array((text + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
