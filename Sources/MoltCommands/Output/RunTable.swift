package import MoltAPI
import MoltCore

/// `molt ls`.
package enum RunTable {
    package static func lines(_ list: RunList, terminal: Terminal) -> [String] {
        guard !list.runs.isEmpty else { return ["no runs yet; start one with: molt submit RECIPE"] }
        let columns: [Table.Column] = [
            .init("ID"), .init("NAME", minimum: 8), .init("STATE"), .init("SITE", minimum: 5), .init("STARTS", .right),
            .init("STEP", .right), .init("LOSS", .right), .init("TOKENS/S", .right), .init("AGE", .right),
            .init("NOTE", minimum: 12),
        ]
        let rows = list.runs.map { row($0, now: list.asOf) }
        var lines = Table(columns, rows: rows).lines(for: terminal)
        if list.total > list.runs.count {
            lines.append(terminal.coloured("\(list.runs.count) of \(list.total) runs; --all shows every one", .dim))
        }
        return lines
    }

    private static func row(_ run: RunSummary, now: Double) -> [Table.Cell] {
        let place = run.partition.map { "\(run.site)/\($0)" } ?? run.site
        return [
            .init(run.id), .init(DisplayText.escaped(run.name)),
            .init(run.state.rawValue, RunText.colour(of: run.state)), .init(DisplayText.escaped(place)),
            "\(run.incarnations)", .init(RunText.step(run.step, of: run.steps)), .init(RunText.loss(run.loss)),
            .init(RunText.speed(run.tokensPerSecond)), .init(RunText.ago(run.createdAt, now: now)),
            .init(DisplayText.escaped(note(run))),
        ]
    }

    /// The one thing worth a column: why it waits, or what went wrong.
    private static func note(_ run: RunSummary) -> String {
        run.pendingReason ?? run.lastError ?? ""
    }
}
