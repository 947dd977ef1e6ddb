/// Draws shares from 0 to 1 over something that grows by factors: one curve a series.
package enum SharePlot {
    package struct Series: Sendable {
        package var name: String
        package var points: [(x: Double, y: Double)]

        package init(name: String, points: [(x: Double, y: Double)]) {
            self.name = name
            self.points = points
        }
    }

    /// Empty without two places above zero. Several curves have their names at their ends.
    package static func lines(
        _ series: [Series], title: String, width: Int = 60, height: Int = 8, terminal: Terminal
    ) -> [String] {
        let places = Set(series.flatMap { $0.points.map(\.x) }).filter { $0 > 0 && $0.isFinite }.sorted()
        guard let first = places.first, let last = places.last, first < last, height > 1 else { return [] }
        let columns = max(16, width - 6)
        func x(_ value: Double) -> Double { LogScale.fraction(value, first, last) }
        var canvas = Canvas(columns: columns, rows: height, isBraille: terminal.hasUnicode)
        var ends: [Int: [String]] = [:]
        for one in series {
            var before: (x: Double, y: Double)?
            for point in one.points.filter({ $0.x > 0 && $0.y.isFinite }).sorted(by: { $0.x < $1.x }) {
                let place = (x: x(point.x), y: 1 - min(1, max(0, point.y)))
                canvas.stroke(from: before ?? place, to: place)
                before = place
            }
            guard series.count > 1, let before else { continue }
            ends[min(height - 1, Int(before.y * Double(height))), default: []].append(one.name)
        }
        let edge = terminal.hasUnicode ? "┤" : "|"
        let rows = canvas.lines().enumerated().map { row, text in
            let label = row == 0 ? "1.0" : row == height - 1 ? "0.0" : "   "
            let names = (ends[row] ?? []).joined(separator: ", ")
            guard !names.isEmpty else { return "\(label) \(edge)\(text)" }
            return "\(label) \(edge)\(text.padded(to: columns))  \(names)"
        }
        var footer = [Character](repeating: " ", count: columns)
        for place in places {
            let label = Array(EvaluationPage.number(place))
            let start = min(columns - label.count, Int(x(place) * Double(columns - 1)))
            guard start >= 0, footer[max(0, start - 1)..<min(columns, start + label.count)].allSatisfy({ $0 == " " })
            else { continue }
            footer.replaceSubrange(start..<start + label.count, with: label)
        }
        return ([title] + rows + ["     " + String(footer)]).map { line in
            String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}

/// Where a value stands between two others when each step is a factor.
enum LogScale {
    static func fraction(_ value: Double, _ first: Double, _ last: Double) -> Double {
        guard first > 0, last > first, value > 0 else { return 0 }
        return min(1, max(0, log2(value / first) / log2(last / first)))
    }

    /// By halving: FoundationEssentials brings no logarithm.
    private static func log2(_ value: Double) -> Double {
        var rest = value.significand, bits = 0.0, place = 0.5
        for _ in 0..<40 {
            rest *= rest
            if rest >= 2 {
                rest /= 2
                bits += place
            }
            place /= 2
        }
        return Double(value.exponent) + bits
    }
}
