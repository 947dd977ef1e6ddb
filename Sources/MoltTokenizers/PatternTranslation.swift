/// From the dialects of tokenizers' files to PCRE2's: classes that depend on Unicode's version or on the library are
/// written out, so that `\s` and `\w` mean what they mean to the library.
struct PatternTranslation {
    enum Dialect: Sendable {
        /// Oniguruma with Ruby's syntax: the regular expressions of `tokenizer.json`.
        case oniguruma
        /// fancy-regex: tiktoken's.
        case rust
    }

    private let dialect: Dialect
    private var source: [Character]
    private var at = 0
    private var result = ""

    /// - Returns: nil for what has no counterpart.
    static func translated(_ pattern: String, _ dialect: Dialect) -> String? {
        var translation = PatternTranslation(dialect: dialect, source: pattern.unicodeScalars.map(Character.init))
        return translation.run() ? translation.result : nil
    }

    private mutating func run() -> Bool {
        while at < source.count {
            switch source[at] {
            case "\\":
                guard at + 1 < source.count else { return false }
                appendEscape(source[at + 1], inClass: false)
                at += 2
            case "[":
                guard let members = characterClass() else { return false }
                result += members
            case "(" where starts("(?m:") && dialect == .oniguruma:
                // Ruby's "m" lets the dot take a newline.
                result += "(?s:"
                at += 4
            default:
                result.append(source[at])
                at += 1
            }
        }
        return true
    }

    private func starts(_ text: String) -> Bool {
        source[at...].starts(with: text)
    }

    private mutating func appendEscape(_ letter: Character, inClass: Bool) {
        func written(_ members: String, _ complement: String, negated: Bool) -> String {
            if inClass { return negated ? complement : members }
            return negated ? "[^\(members)]" : "[\(members)]"
        }
        switch letter {
        case "s", "S": result += written(Self.spaces, Self.notSpaces, negated: letter == "S")
        case "d", "D": result += written("\\p{Nd}", "\\P{Nd}", negated: letter == "D")
        case "w", "W":
            let ranges = dialect == .oniguruma ? Self.words : Self.rustWords
            result += written(Self.text(ranges), Self.text(Self.complement(ranges)), negated: letter == "W")
        case "h" where dialect == .oniguruma: result += written("0-9A-Fa-f", "", negated: false)
        default: result += "\\\(letter)"
        }
    }

    /// A bracketed class from `at` on. `[A&&[^B]]` becomes `(?:(?![B])[A])`.
    private mutating func characterClass() -> String? {
        let outer = result
        defer { result = outer }
        result = "["
        at += 1
        if at < source.count, source[at] == "^" {
            result += "^"
            at += 1
        }
        var isFirst = true
        var excluded: [String] = []
        while at < source.count {
            switch source[at] {
            case "]" where !isFirst:
                at += 1
                result += "]"
                return excluded.isEmpty ? result : "(?:" + excluded.map { "(?!\($0))" }.joined() + result + ")"
            case "\\":
                guard at + 1 < source.count else { return nil }
                appendEscape(source[at + 1], inClass: true)
                at += 2
            case "[" where starts("[:"):
                guard let end = source[at...].firstIndex(of: "]") else { return nil }
                result += String(source[at...end])
                at = end + 1
            case "[":
                return nil
            case "&" where starts("&&"):
                guard !result.hasPrefix("[^"), starts("&&[^") else { return nil }
                at += 2
                guard let other = characterClass(), !other.hasPrefix("(") else { return nil }
                excluded.append("[" + other.dropFirst(2))
            default:
                result.append(source[at])
                at += 1
            }
            isFirst = false
        }
        return nil
    }

    // MARK: Classes written out

    private typealias Ranges = [(UInt32, UInt32)]

    private static let spaces = text(CodePoint.spaces)
    private static let notSpaces = text(complement(CodePoint.spaces))
    private static let words = ranges { UnicodeTables.shared[$0].isWord }
    private static let rustWords = ranges(CodePoint.isRustWord)

    private static func ranges(_ isMember: (UInt32) -> Bool) -> Ranges {
        var result: Ranges = []
        for point in UInt32(0)..<0x110000 where isMember(point) {
            if let last = result.last, last.1 + 1 == point {
                result[result.count - 1].1 = point
            } else {
                result.append((point, point))
            }
        }
        return result
    }

    private static func complement(_ ranges: Ranges) -> Ranges {
        var result: Ranges = []
        var next: UInt32 = 0
        for (first, last) in ranges {
            if first > next { result.append((next, first - 1)) }
            next = last + 1
        }
        result.append((next, 0x10FFFF))
        return result
    }

    private static func text(_ ranges: Ranges) -> String {
        ranges.map { "\\x{\(String($0, radix: 16))}-\\x{\(String($1, radix: 16))}" }.joined()
    }
}
