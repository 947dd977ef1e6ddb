import MoltConversion
import MoltCore

/// A conversion's report as a table for people.
enum ReportText {
    static func print(_ report: ConversionReport, json: Bool) throws {
        if json { return try Output.json(report) }
        _ = Output.write(Array(lines(report).map { $0 + "\n" }.joined().utf8))
    }

    static func print(_ comparison: ModelComparison, json: Bool) throws {
        if json { return try Output.json(comparison) }
        var lines = ["\(comparison.equal) of \(comparison.compared) tensors are equal"]
        lines += comparison.different.prefix(20).map { "differs   \($0.name) by \($0.maxDifference) at most" }
        lines += comparison.onlyInFirst.prefix(20).map { "only in the first   \($0)" }
        lines += comparison.onlyInSecond.prefix(20).map { "only in the second   \($0)" }
        lines += comparison.configuration.map { "configuration   \($0)" }
        _ = Output.write(Array(lines.map { $0 + "\n" }.joined().utf8))
    }

    static func lines(_ report: ConversionReport) -> [String] {
        var rows: [(String, String)] = [
            ("from", "\(DisplayText.escaped(report.folder)) (\(report.format))"),
            ("model", "\(report.family), \(report.parameters) parameters"),
            ("layers", report.pattern),
            ("read", "\(report.tensorsRead) tensors: " + types(report)),
            ("renamed", list(report.renamed.map { "\($0.from.joined(separator: " + ")) → \($0.to)" })),
            ("unused", list(report.unused)), ("missing", list(report.missing)),
        ]
        if !report.assumed.isEmpty { rows.append(("assumed", list(report.assumed))) }
        if let out = report.out {
            rows.append(("written", "\(DisplayText.escaped(out)) (\(report.outFormat ?? ""))"))
            rows.append(("tokenizer", report.tokenizer.map { DisplayText.escaped($0, limit: 300) } ?? "none"))
        }
        if let sha256 = report.sha256After { rows.append(("checksum", "\(sha256), of the weights in fp32")) }
        if let check = report.numericCheck {
            let rms = Decimals.text(check.rmsLogit, digits: 4)
            rows.append(("scores", "finite over \(check.tokens) tokens, rms \(rms)"))
        }
        if let obstacle = report.obstacle { rows.append(("note", obstacle)) }
        return rows.map { $0.0 + String(repeating: " ", count: max(1, 10 - $0.0.count)) + $0.1 }
    }

    private static func types(_ report: ConversionReport) -> String {
        report.types.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }

    private static func list(_ names: [String]) -> String {
        guard !names.isEmpty else { return "none" }
        let shown = names.prefix(8).map { DisplayText.escaped($0, limit: 300) }.joined(separator: "\n          ")
        return "\(names.count)\n          \(shown)" + (names.count > 8 ? "\n          …" : "")
    }
}
