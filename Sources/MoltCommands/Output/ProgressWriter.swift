/// Decides what to write so that one progress line stays at the bottom and other lines scroll above it.
///
/// Where lines cannot be rewritten, a progress line is written when it changed, at most every few seconds.
package struct ProgressWriter: Sendable {
    private let terminal: Terminal
    private let interval: Double
    private var shown = ""
    private var shownAt = -Double.infinity

    package init(terminal: Terminal, interval: Double = Limits.plainProgressInterval) {
        self.terminal = terminal
        self.interval = interval
    }

    /// The text to write for a new state of progress.
    package mutating func progress(_ text: String, now: Double) -> String {
        guard text != shown else { return "" }
        if terminal.isInteractive {
            shown = text
            return clear + Table.cut(text, to: max(1, (terminal.width ?? 80) - 1), terminal)
        }
        guard now - shownAt >= interval else { return "" }
        shown = text
        shownAt = now
        return text + "\n"
    }

    /// The text to write for lines that stay.
    package mutating func lines(_ lines: [String]) -> String {
        guard !lines.isEmpty else { return "" }
        let text = lines.map { $0 + "\n" }.joined()
        guard terminal.isInteractive, !shown.isEmpty else { return text }
        defer { shown = "" }
        return clear + text
    }

    /// The text that leaves the last progress line in place.
    package mutating func end() -> String {
        defer { shown = "" }
        return terminal.isInteractive && !shown.isEmpty ? "\n" : ""
    }

    private var clear: String { "\r\u{1b}[K" }
}
