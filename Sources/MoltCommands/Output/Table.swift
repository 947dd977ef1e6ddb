/// Rows of text in aligned columns, cut to the terminal's width.
package struct Table: Sendable {
    package struct Column: Sendable {
        package var title: String
        package var alignment: Alignment
        /// Gives way when the terminal is too narrow; at least this wide.
        package var minimum: Int?

        package enum Alignment: Sendable { case left, right }

        package init(_ title: String, _ alignment: Alignment = .left, minimum: Int? = nil) {
            self.title = title
            self.alignment = alignment
            self.minimum = minimum
        }
    }

    package struct Cell: Sendable, ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
        package var text: String
        package var colour: Terminal.Colour?

        package init(_ text: String, _ colour: Terminal.Colour? = nil) {
            self.text = text
            self.colour = colour
        }

        package init(stringLiteral text: String) {
            self.init(text)
        }
    }

    package var columns: [Column]
    package var rows: [[Cell]]
    private let gap = "  "

    package init(_ columns: [Column], rows: [[Cell]] = []) {
        self.columns = columns
        self.rows = rows
    }

    /// One string a line, the header first; no trailing blanks.
    package func lines(for terminal: Terminal, header: Bool = true) -> [String] {
        let widths = widths(for: terminal, header: header)
        let titles = columns.map { Cell($0.title, .dim) }
        return ((header ? [titles] : []) + rows).map { line($0, widths, terminal) }
    }

    private func widths(for terminal: Terminal, header: Bool) -> [Int] {
        var widths = columns.indices.map { index in
            rows.map { $0[index].text.count }.max().map { max($0, header ? columns[index].title.count : 0) }
                ?? columns[index].title.count
        }
        guard let width = terminal.width else { return widths }
        // The last column that can shrink gives way first.
        for index in columns.indices.reversed() {
            guard let minimum = columns[index].minimum else { continue }
            let excess = widths.reduce(0, +) + gap.count * (columns.count - 1) - width
            if excess > 0 { widths[index] = max(min(minimum, widths[index]), widths[index] - excess) }
        }
        return widths
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ terminal: Terminal) -> String {
        var result = ""
        for (index, cell) in cells.enumerated() {
            let text = Self.cut(cell.text, to: widths[index], terminal)
            let padding = String(repeating: " ", count: widths[index] - text.count)
            let shown = terminal.coloured(text, cell.colour)
            result += columns[index].alignment == .right ? padding + shown : shown + padding
            result += gap
        }
        while result.last == " " { result.removeLast() }
        return result
    }

    static func cut(_ text: String, to width: Int, _ terminal: Terminal) -> String {
        guard text.count > width else { return text }
        return width <= 1 ? String(text.prefix(width)) : text.prefix(width - 1) + (terminal.hasUnicode ? "…" : "~")
    }
}
