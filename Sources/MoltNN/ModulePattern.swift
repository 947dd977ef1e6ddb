/// Names modules: by the last component of their path, or by a glob over the whole path.
package struct ModulePattern: Hashable, Sendable {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package static func lastComponent(_ path: String) -> String {
        String(path[(path.lastIndex(of: ".").map(path.index(after:)) ?? path.startIndex)...])
    }

    /// Whether the text is about whole paths.
    package var isGlob: Bool { text.contains { $0 == "*" || $0 == "?" || $0 == "." } }

    package func matches(_ path: String) -> Bool {
        isGlob ? Self.glob(Array(text.utf8), Array(path.utf8)) : Self.lastComponent(path) == text
    }

    /// Whether a parameter belongs to what the pattern names: any component of its name, or by a glob its whole name or
    /// that of a module around it.
    package func covers(_ parameter: String) -> Bool {
        guard isGlob else { return parameter.split(separator: ".").contains { $0 == text } }
        var path = parameter[...]
        while true {
            if Self.glob(Array(text.utf8), Array(path.utf8)) { return true }
            guard let dot = path.lastIndex(of: ".") else { return false }
            path = path[..<dot]
        }
    }

    /// `*` stands for any characters, dots included; `?` for one.
    private static func glob(_ pattern: [UInt8], _ path: [UInt8]) -> Bool {
        var p = 0, s = 0
        var star: Int?, resume = 0
        while s < path.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = p
                resume = s
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == path[s] {
                p += 1
                s += 1
            } else if let star {
                p = star + 1
                resume += 1
                s = resume
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
