import ArgumentParser
import MoltCore

struct DaemonAudit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Show who asked for what, and what the daemon did to which job.",
        discussion: """
            Reads $MOLT_HOME/audit.jsonl, with or without a daemon. With --verify it exits with 1 when lines were
            changed or are missing.

            Example:
              molt daemon audit --last 20
              molt daemon audit --verify
            """)

    @Option(name: .long, help: "How many of the newest records to show.")
    var last = 50

    @Flag(name: .long, help: "Check that every line is as it was written.")
    var verify = false

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100_000).contains(last) else { throw ValidationError("--last takes 1 to 100000") }
    }

    func run() async throws {
        let trail = AuditTrail(home: Settings.fromEnvironment().home)
        guard !verify else {
            let verdict = trail.verify()
            try Output.render(verdict, json: output.json) { _ in Self.lines(verdict) }
            if verdict.problem != nil { throw ExitCode(CommandExit.negative.rawValue) }
            return
        }
        let lines = trail.newest(last)
        try Output.render(lines.map(Entry.init), json: output.json) { Self.table(lines).lines(for: $0) }
    }

    /// A record with its number, as `--json` shows it.
    private struct Entry: Encodable {
        let number: Int
        let hash: String
        let record: AuditRecord

        init(_ line: AuditLine) {
            number = line.number
            hash = line.hash
            record = line.record
        }
    }

    static func lines(_ verdict: AuditTrail.Verdict) -> [String] {
        if let problem = verdict.problem { return ["the audit log is not whole: \(problem)"] }
        guard let first = verdict.first, let last = verdict.last else { return ["the audit log has no records yet"] }
        return ["\(verdict.records) records, \(first) to \(last.number), each as it was written", "  last \(last.hash)"]
    }

    private static func table(_ lines: [AuditLine]) -> Table {
        let columns: [Table.Column] = [
            .init("NO", .right), .init("AT"), .init("WHO"), .init("VERB"), .init("RUN"), .init("JOB", .right),
            .init("BEFORE"), .init("AFTER"), .init("WORDS", minimum: 20),
        ]
        return Table(
            columns,
            rows: lines.map { line in
                let record = line.record
                return [
                    .init("\(line.number)"), .init(RunText.moment(record.at)),
                    .init(DisplayText.escaped("\(record.userID) \(record.source)")),
                    .init(DisplayText.escaped(record.verb)), .init(DisplayText.escaped(record.run ?? "")),
                    .init(record.job.map { "\($0)" } ?? ""), .init(DisplayText.escaped(record.before ?? "")),
                    .init(DisplayText.escaped(record.after ?? "…")), .init(DisplayText.escaped(record.words ?? "")),
                ]
            })
    }
}
