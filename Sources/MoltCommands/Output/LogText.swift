import MoltCore

/// Log text for a terminal: control sequences become visible, and of a line that rewrote itself the last state stays.
package enum LogText {
    package static func shown(_ text: String, terminal: Terminal) -> String {
        terminal.isInteractive ? lines(text).map(line).joined(separator: "\n") : text
    }

    /// Pieces between line feeds, by bytes: to Swift a carriage return with a line feed is one character.
    static func lines(_ text: String) -> [Substring] {
        text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { Substring($0) }
    }

    private static func line(_ line: Substring) -> String {
        let last = line.utf8.split(separator: UInt8(ascii: "\r")).last.map { Substring($0) } ?? ""
        return last.split(separator: "\t", omittingEmptySubsequences: false)
            .map { DisplayText.escaped(String($0), limit: 1 << 16) }.joined(separator: "\t")
    }
}
