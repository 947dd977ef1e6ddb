import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// What the reader's end can show.
package struct Terminal: Sendable {
    /// Standard output is a terminal: lines may be rewritten.
    package var isInteractive: Bool
    /// Nil: as wide as needed.
    package var width: Int?
    package var hasColour: Bool
    /// Braille and box characters may be used.
    package var hasUnicode: Bool

    package init(isInteractive: Bool = false, width: Int? = nil, hasColour: Bool = false, hasUnicode: Bool = true) {
        self.isInteractive = isInteractive
        self.width = width
        self.hasColour = hasColour
        self.hasUnicode = hasUnicode
    }

    /// Standard output and the environment decide; `NO_COLOR` and `COLUMNS` are respected.
    package static func standard() -> Terminal {
        let environment = ProcessInfo.processInfo.environment
        let isTerminal = isatty(STDOUT_FILENO) == 1
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? "C.UTF-8"
        let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false || environment["TERM"] == "dumb"
        return Terminal(
            isInteractive: isTerminal, width: environment["COLUMNS"].flatMap { Int($0) } ?? windowWidth(),
            hasColour: isTerminal && !isPlain,
            hasUnicode: locale.lowercased().contains("utf-8") || locale.lowercased().contains("utf8"))
    }

    private static func windowWidth() -> Int? {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    package func coloured(_ text: String, _ colour: Colour?) -> String {
        guard hasColour, let colour else { return text }
        return "\u{1b}[\(colour.rawValue)m\(text)\u{1b}[0m"
    }

    package enum Colour: Int, Sendable {
        case bold = 1
        case dim = 2
        case red = 31
        case green = 32
        case yellow = 33
        case blue = 34
        case cyan = 36
    }
}

/// Writes whole strings to standard output and error, past any buffer, so that lines keep their order.
enum Console {
    static func out(_ line: String) {
        write(line + "\n", to: STDOUT_FILENO)
    }

    /// No newline is added.
    static func raw(_ text: String) {
        write(text, to: STDOUT_FILENO)
    }

    static func error(_ line: String) {
        write(line + "\n", to: STDERR_FILENO)
    }

    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
