package import MoltCore

/// A report as a table and, where something is swept, a plot.
package enum EvaluationPage {
    package static func lines(_ report: EvaluationReport, terminal: Terminal) -> [String] {
        let place = report.checkpoint.split(separator: "/").last.map { DisplayText.escaped(String($0)) } ?? ""
        let title = [DisplayText.escaped(report.task), place, RunText.moment(report.createdAt)].filter { !$0.isEmpty }
        return [terminal.coloured(title.joined(separator: "  "), .bold), about(report)]
            + table([report]).lines(for: terminal) + grid(report, terminal) + plot([report], terminal)
    }

    /// What was asked for.
    static func about(_ report: EvaluationReport) -> String {
        let settings = report.settings.sorted { $0.key < $1.key }.map {
            "\(DisplayText.escaped($0.key)) \(DisplayText.escaped($0.value))"
        }
        return "  " + (settings + ["intervals: \(DisplayText.escaped(report.intervals))"]).joined(separator: ", ")
    }

    /// The points of reports of one kind; of several, with the step and the moment of each.
    static func table(_ reports: [EvaluationReport]) -> Table {
        let axes = reports.last?.axes ?? [], names = reports.last?.points.first?.measures.map(\.name) ?? []
        let isHistory = reports.count > 1
        var table = Table(
            (isHistory ? [.init("STEP", .right), .init("AT")] : [])
                + axes.map { .init(DisplayText.escaped($0).uppercased(), .right) } + [.init("COUNT", .right)]
                + names.map { .init(DisplayText.escaped($0).uppercased(), .right) })
        for report in reports {
            let step = report.step.map { "\($0)" } ?? "–"
            let which: [Table.Cell] = [.init(step), .init(RunText.moment(report.createdAt))]
            for point in report.points {
                table.rows.append(
                    (isHistory ? which : [])
                        + axes.map { .init(number(point.at[$0] ?? .nan)) } + [.init("\(point.count)")]
                        + names.map { name in
                            .init(point.measures.first { $0.name == name }.map { text($0) } ?? "–")
                        })
            }
        }
        return table
    }

    /// Shares of two axes as a grid of per cent, the second axis downwards.
    static func grid(_ report: EvaluationReport, _ terminal: Terminal) -> [String] {
        guard report.axes.count == 2, let measure = report.points.first?.measures.first?.name else { return [] }
        let columns = Set(report.points.compactMap { $0.at[report.axes[0]] }).sorted()
        let corner = DisplayText.escaped("\(report.axes[1]) \\ \(report.axes[0])")
        var table = Table([.init(corner, .right)] + columns.map { .init(number($0), .right) })
        for row in Set(report.points.compactMap { $0.at[report.axes[1]] }).sorted() {
            table.rows.append(
                [.init(number(row))]
                    + columns.map { column in
                        let point = report.points.first { $0.at == [report.axes[0]: column, report.axes[1]: row] }
                        let value = point?.measures.first { $0.name == measure }?.value
                        return .init(value.map { "\(Decimals.text(100 * $0, digits: 0)) %" } ?? "–", colour(value))
                    })
        }
        return [""] + table.lines(for: terminal)
    }

    /// The first measure over the only axis, which doubles from mark to mark: a curve a report.
    static func plot(_ reports: [EvaluationReport], _ terminal: Terminal) -> [String] {
        guard let newest = reports.last, newest.axes.count == 1,
            let measure = newest.points.first?.measures.first?.name
        else { return [] }
        let axis = newest.axes[0]
        let series = reports.map { report in
            let points = report.points.compactMap { point -> (x: Double, y: Double)? in
                guard let x = point.at[axis], let y = point.measures.first(where: { $0.name == measure })?.value
                else { return nil }
                return (x, y)
            }
            return SharePlot.Series(name: report.step.map { "step \($0)" } ?? "no step", points: points)
        }
        let lines = SharePlot.lines(series, title: DisplayText.escaped("\(measure) by \(axis)"), terminal: terminal)
        return lines.isEmpty ? [] : [""] + lines
    }

    private static func text(_ measure: EvaluationReport.Measure) -> String {
        let digits = abs(measure.value) < 100 ? 3 : 1
        let value = measure.value == measure.value.rounded() && measure.low == nil
            ? number(measure.value) : Decimals.text(measure.value, digits: digits)
        guard let low = measure.low, let high = measure.high else { return value }
        return "\(value) [\(Decimals.text(low, digits: digits)), \(Decimals.text(high, digits: digits))]"
    }

    static func number(_ value: Double) -> String {
        value == value.rounded() ? Decimals.text(value, digits: 0) : Decimals.text(value, digits: 2)
    }

    private static func colour(_ share: Double?) -> Terminal.Colour? {
        share.map { $0 >= 0.95 ? .green : $0 >= 0.5 ? .yellow : .red }
    }
}
