import MoltAPI
import MoltCore

/// Where the hours went, as a table.
enum CostText {
    static func table(_ summary: CostSummary, by grouping: CostQuery.Grouping) -> Table {
        let first = grouping.rawValue.uppercased()
        var columns: [Table.Column] = [.init(first)]
        if grouping == .run { columns.append(.init("NAME", minimum: 8)) } else { columns.append(.init("RUNS", .right)) }
        columns += [
            "INTERRUPTED", "GPU-HOURS", "TRAINED", "START", "LOAD", "SAVE", "EVALUATE", "REPEATED", "STALL",
            "HAND-OVER", "QUEUE",
        ].map { .init($0, .right) }
        if grouping != .cause { columns.append(.init("ETTR", .right)) }
        return Table(columns, rows: summary.lines.map { row($0, by: grouping) })
    }

    private static func row(_ line: CostLine, by grouping: CostQuery.Grouping) -> [Table.Cell] {
        var cells: [Table.Cell] = [.init(DisplayText.escaped(line.key))]
        cells.append(grouping == .run ? .init(DisplayText.escaped(line.name ?? "")) : "\(line.runs)")
        cells.append("\(line.interruptions)")
        cells += [
            line.allocated, line.productive, line.start, line.load, line.save, line.evaluate, line.repeated,
            line.stall, line.handOver, line.queue,
        ].map { .init(Decimals.text($0, digits: $0 < 10 ? 3 : 1)) }
        if grouping != .cause {
            cells.append(.init(line.ettr.map { Decimals.text(100 * $0, digits: 1) + " %" } ?? "-"))
        }
        return cells
    }
}
