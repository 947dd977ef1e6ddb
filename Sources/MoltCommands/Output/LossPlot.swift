package import MoltAPI
import MoltCore

/// Draws the course of the loss, or of another number, with characters: braille dots where they can be shown, stars
/// elsewhere.
package enum LossPlot {
    package static let defaultHeight = 12

    /// A title, the plot with its axes, and one line that explains the marks. Empty without two points.
    package static func lines(
        _ curve: ProgressCurve, name: String = "loss", width: Int = 80, height: Int = defaultHeight, terminal: Terminal
    ) -> [String] {
        // The difference of two that are larger may be infinite.
        let points = curve.points.filter { abs($0.loss) < 1e300 }
        guard let first = points.map(\.step).min(), let last = points.map(\.step).max(), first < last,
            var low = points.map(\.loss).min(), var high = points.map(\.loss).max()
        else { return [] }
        if high - low < 1e-9 { (low, high) = (low - 0.5, high + 0.5) }
        let labels = axisLabels(low: low, high: high, height: height)
        let margin = (labels.compactMap { $0?.count }.max() ?? 0) + 2
        let columns = max(16, width - margin)
        var canvas = Canvas(columns: columns, rows: height, isBraille: terminal.hasUnicode)
        let scale = Scale(first: first, last: last, low: low, high: high)
        let marks = curve.marks.filter { (first...last).contains($0.step) }
        for mark in marks { canvas.rule(at: scale.x(mark.step)) }
        var previous: (x: Double, y: Double)?
        for point in points.sorted(by: { $0.step < $1.step }) {
            let place = (x: scale.x(point.step), y: scale.y(point.loss))
            canvas.stroke(from: previous ?? place, to: place)
            previous = place
        }
        let edge = terminal.hasUnicode ? "┤" : "|"
        var lines = ["\(name), \(RunText.loss(points.first?.loss)) → \(RunText.loss(points.last?.loss))"]
        if !terminal.hasUnicode { lines = [lines[0].replacing("→", with: "->")] }
        for (row, text) in canvas.lines().enumerated() {
            let label = row < labels.count ? labels[row] ?? "" : ""
            lines.append(String(repeating: " ", count: margin - 2 - label.count) + label + " " + edge + text)
        }
        lines.append(String(repeating: " ", count: margin) + footer(first, last, marks, scale, columns))
        if let legend = legend(marks) { lines.append(String(repeating: " ", count: margin) + legend) }
        return lines.map { line in String(line.reversed().drop { $0 == " " }.reversed()) }
    }

    /// Marks by their letter under the place where they happened, between the first and the last step.
    private static func footer(
        _ first: Int, _ last: Int, _ marks: [ProgressCurve.Mark], _ scale: Scale, _ columns: Int
    ) -> String {
        let left = Array("\(first)"), right = Array("step \(last)")
        var cells = [Character](repeating: " ", count: columns)
        cells.replaceSubrange(0..<min(left.count, columns), with: left.prefix(columns))
        cells.replaceSubrange(max(0, columns - right.count)..., with: right.suffix(columns))
        // What ended an incarnation is told rather than the resumption beside it.
        for mark in marks.filter({ $0.kind == "resumed" }) + marks.filter({ $0.kind != "resumed" }) {
            cells[min(columns - 1, Int(scale.x(mark.step) * Double(columns)))] = letter(of: mark.kind)
        }
        return String(cells)
    }

    private static func letter(of kind: String) -> Character {
        kind.first.map { Character($0.uppercased()) } ?? "?"
    }

    private static func legend(_ marks: [ProgressCurve.Mark]) -> String? {
        let kinds = Set(marks.map(\.kind)).sorted()
        guard !kinds.isEmpty else { return nil }
        return kinds.map { kind in
            let steps = marks.filter { $0.kind == kind }.map { "\($0.step)" }
            return "\(letter(of: kind)) \(DisplayText.escaped(kind)) at step \(steps.joined(separator: ", "))"
        }.joined(separator: "; ")
    }

    private static func axisLabels(low: Double, high: Double, height: Int) -> [String?] {
        (0..<height).map { row in
            guard row % 4 == 0 || row == height - 1 else { return nil }
            let fraction = height > 1 ? Double(row) / Double(height - 1) : 0
            return Decimals.text(high - (high - low) * fraction, digits: high < 100 ? 3 : 1)
        }
    }

    /// Steps and losses as fractions of the plot, from the left and from the top.
    private struct Scale {
        let first: Int, last: Int, low: Double, high: Double

        func x(_ step: Int) -> Double { Double(step - first) / Double(last - first) }
        func y(_ loss: Double) -> Double { (high - loss) / (high - low) }
    }
}
