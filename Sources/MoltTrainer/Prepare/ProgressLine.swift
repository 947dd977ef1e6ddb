package import MoltData
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// How far a preparation is, with its rate and the time left: one line of standard error that is written over, or now
/// and then a line where standard error is no terminal.
package struct ProgressLine {
    private let isTerminal: Bool
    private var began: (done: Int, at: Double)?
    private var shownAt = -Double.infinity
    private var isShown = false

    package init(isTerminal: Bool = isatty(STDERR_FILENO) == 1) {
        self.isTerminal = isTerminal
    }

    mutating func show(_ progress: Preparation.Progress, now: Double) {
        if progress.phase == .reading, began == nil { began = (progress.done, now) }
        guard now - shownAt >= (isTerminal ? 0.2 : Limits.plainProgressSeconds) else { return }
        // The first look comes before there is anything to say.
        if shownAt == -.infinity, !isTerminal {
            shownAt = now
            return
        }
        shownAt = now
        let text = Self.text(progress, began: began ?? (0, now), now: now)
        isShown = isTerminal
        Self.write(isTerminal ? "\r\u{1b}[K" + text : text + "\n")
    }

    mutating func end() {
        if isShown { Self.write("\r\u{1b}[K") }
        isShown = false
    }

    /// `reading 1.2 GiB of 10 GiB (12 %), 35 MiB/s, 4 min 10 s left`
    package static func text(_ progress: Preparation.Progress, began: (done: Int, at: Double), now: Double) -> String {
        let share = progress.total > 0 ? progress.done * 100 / progress.total : 100
        switch progress.phase {
        case .reading:
            func size(_ bytes: Int) -> String { Quantities.bytesText(Double(bytes)) }
            var text = "reading \(size(progress.done)) of \(size(progress.total)) (\(share) %)"
            let rate = Double(progress.done - began.done) / max(now - began.at, 1e-3)
            guard rate > 0 else { return text }
            text += ", \(Quantities.bytesText(rate))/s"
            return text + ", \(Durations.text(Double(progress.total - progress.done) / rate)) left"
        case .waiting: return "waiting for the other ranks: \(progress.done) of \(progress.total) units are done"
        case .comparing: return "looking for duplicates"
        case .writing: return "putting together shard \(min(progress.done + 1, progress.total)) of \(progress.total)"
        }
    }

    private static func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
