/// A piece of a template's source.
struct ChatToken: Sendable {
    enum Kind: Hashable, Sendable {
        case text, statementStart, statementEnd, outputStart, outputEnd, name, string, integer, number, sign, end
    }

    var kind: Kind
    var text: String
    var line: Int
}

struct ChatProblem: Error {
    var what: String
    var line: Int
}

/// Cuts a template into tokens, as Jinja with trim_blocks and lstrip_blocks: a newline behind a block goes, and so do
/// the spaces of a line before one; `-` at a tag takes all spaces on its side, `+` keeps them.
struct ChatLexer {
    private let source: [UInt8]
    private var at = 0
    private var line = 1
    private var tokens: [ChatToken] = []

    static func tokens(of source: String) throws(ChatProblem) -> [ChatToken] {
        var text = source.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        // Jinja drops one newline at the end.
        if text.utf8.last == 0x0A { text.unicodeScalars.removeLast() }
        var lexer = ChatLexer(source: Array(text.utf8))
        try lexer.run()
        return lexer.tokens
    }

    private init(source: [UInt8]) {
        self.source = source
    }

    private mutating func run() throws(ChatProblem) {
        // Set by the tag before: the text behind it loses its spaces, or its first newline.
        var stripsAll = false
        var stripsNewline = false
        while true {
            let start = at
            var tag: UInt8?
            while at + 1 < source.count {
                if source[at] == UInt8(ascii: "{"), [0x7B, 0x25, 0x23].contains(source[at + 1]) {
                    tag = source[at + 1]
                    break
                }
                at += 1
            }
            if tag == nil { at = source.count }
            var text = source[start..<at]
            let lines = text.count { $0 == 0x0A }
            if stripsAll {
                text = text.drop { Self.isSpace($0) }
            } else if stripsNewline, text.first == 0x0A {
                text = text.dropFirst()
            }
            guard let tag else {
                add(.text, text)
                line += lines
                add(.end, [])
                return
            }
            let sign = at + 2 < source.count ? source[at + 2] : 0
            if sign == UInt8(ascii: "-") {
                while let last = text.last, Self.isSpace(last) { text.removeLast() }
            } else if tag != 0x7B, sign != UInt8(ascii: "+") {
                text = withoutIndent(text, start: start)
            }
            add(.text, text)
            line += lines
            (stripsAll, stripsNewline) = try self.tag(tag, sign)
        }
    }

    /// The spaces before a block go when nothing else is on its line.
    private func withoutIndent(_ text: ArraySlice<UInt8>, start: Int) -> ArraySlice<UInt8> {
        var rest = text
        while let last = rest.last, last != 0x0A, Self.isSpace(last) { rest.removeLast() }
        if rest.last == 0x0A { return rest }
        // At the start of the text: it must be the start of a line of the source.
        guard rest.isEmpty else { return text }
        let isLineStart = rest.startIndex == 0 || source[rest.startIndex - 1] == 0x0A
        return isLineStart ? rest : text
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    private mutating func add(_ kind: ChatToken.Kind, _ bytes: some Sequence<UInt8>) {
        let text = String(decoding: Array(bytes), as: UTF8.self)
        if kind == .text, text.isEmpty { return }
        tokens.append(ChatToken(kind: kind, text: text, line: line))
    }

    /// - Returns: what the text behind loses.
    private mutating func tag(_ tag: UInt8, _ sign: UInt8) throws(ChatProblem) -> (Bool, Bool) {
        at += 2
        if tag == 0x23 { return try comment() }
        if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { at += 1 }
        let close: [UInt8] = tag == 0x25 ? [0x25, 0x7D] : [0x7D, 0x7D]
        add(tag == 0x25 ? .statementStart : .outputStart, [])
        var depth = 0
        while true {
            while at < source.count, Self.isSpace(source[at]) {
                if source[at] == 0x0A { line += 1 }
                at += 1
            }
            guard at < source.count else { throw ChatProblem(what: "a tag is not closed", line: line) }
            let isSigned = source[at] == UInt8(ascii: "-") || source[at] == UInt8(ascii: "+")
            let end = isSigned ? at + 1 : at
            if depth == 0, source[end...].starts(with: close) {
                let sign = isSigned ? source[at] : 0
                at = end + 2
                add(tag == 0x25 ? .statementEnd : .outputEnd, [])
                if tag == 0x25, sign == 0, try skipRaw() { return (false, true) }
                return (sign == UInt8(ascii: "-"), tag == 0x25 && sign != UInt8(ascii: "+"))
            }
            if [0x28, 0x5B, 0x7B].contains(source[at]) { depth += 1 }
            if [0x29, 0x5D, 0x7D].contains(source[at]) { depth -= 1 }
            try token()
        }
    }

    private mutating func comment() throws(ChatProblem) -> (Bool, Bool) {
        while at + 1 < source.count, !(source[at] == 0x23 && source[at + 1] == 0x7D) {
            if source[at] == 0x0A { line += 1 }
            at += 1
        }
        guard at + 1 < source.count else { throw ChatProblem(what: "a comment is not closed", line: line) }
        let strips = source[at - 1] == UInt8(ascii: "-")
        at += 2
        return (strips, true)
    }

    /// Text between `{% raw %}` and `{% endraw %}` as it is.
    private mutating func skipRaw() throws(ChatProblem) -> Bool {
        guard tokens.count >= 3, tokens[tokens.count - 2].text == "raw", tokens[tokens.count - 2].kind == .name,
            tokens[tokens.count - 3].kind == .statementStart
        else { return false }
        tokens.removeLast(3)
        let start = at
        while at < source.count {
            if source[at...].starts(with: Array("{%".utf8)) {
                var end = at + 2
                while end < source.count, Self.isSpace(source[end]) || source[end] == 0x2D { end += 1 }
                if source[end...].starts(with: Array("endraw".utf8)),
                    let close = source[end...].firstIndex(of: 0x7D)
                {
                    add(.text, source[start..<at])
                    line += source[start..<close].count { $0 == 0x0A }
                    at = close + 1
                    return true
                }
            }
            at += 1
        }
        throw ChatProblem(what: "'raw' has no end", line: line)
    }

    private mutating func token() throws(ChatProblem) {
        let byte = source[at]
        switch byte {
        case 0x22, 0x27: try string(byte)
        case 0x30...0x39: number()
        case 0x41...0x5A, 0x61...0x7A, 0x5F, 0x80...:
            let start = at
            while at < source.count, Self.isNamePart(source[at]) { at += 1 }
            add(.name, source[start..<at])
        default:
            for sign in ["==", "!=", "<=", ">=", "//", "**"] where source[at...].starts(with: Array(sign.utf8)) {
                at += 2
                return add(.sign, sign.utf8)
            }
            guard Array("()[]{}.,:|=+-*/%~<>".utf8).contains(byte) else {
                throw ChatProblem(
                    what: "the character '\(Character(Unicode.Scalar(byte)))' is not expected", line: line)
            }
            at += 1
            add(.sign, CollectionOfOne(byte))
        }
    }

    private static func isNamePart(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
            || byte >= 0x80
    }

    private mutating func number() {
        let start = at
        var isInteger = true
        while at < source.count, (0x30...0x39).contains(source[at]) || source[at] == 0x5F { at += 1 }
        if at + 1 < source.count, source[at] == 0x2E, (0x30...0x39).contains(source[at + 1]) {
            isInteger = false
            at += 1
            while at < source.count, (0x30...0x39).contains(source[at]) { at += 1 }
        }
        let sign = at + 1 < source.count && (source[at + 1] == 0x2B || source[at + 1] == 0x2D) ? 1 : 0
        if at + 1 + sign < source.count, source[at] | 0x20 == 0x65, (0x30...0x39).contains(source[at + 1 + sign]) {
            isInteger = false
            at += 1 + sign
            while at < source.count, (0x30...0x39).contains(source[at]) { at += 1 }
        }
        add(isInteger ? .integer : .number, source[start..<at].filter { $0 != 0x5F })
    }

    private mutating func string(_ quote: UInt8) throws(ChatProblem) {
        at += 1
        var bytes: [UInt8] = []
        while at < source.count, source[at] != quote {
            if source[at] == 0x0A { line += 1 }
            guard source[at] == 0x5C, at + 1 < source.count else {
                bytes.append(source[at])
                at += 1
                continue
            }
            at += 2
            switch source[at - 1] {
            case UInt8(ascii: "n"): bytes.append(0x0A)
            case UInt8(ascii: "t"): bytes.append(0x09)
            case UInt8(ascii: "r"): bytes.append(0x0D)
            case UInt8(ascii: "0"): bytes.append(0)
            case UInt8(ascii: "b"): bytes.append(0x08)
            case UInt8(ascii: "f"): bytes.append(0x0C)
            case UInt8(ascii: "v"): bytes.append(0x0B)
            case UInt8(ascii: "a"): bytes.append(0x07)
            case 0x0A: break
            case let kind where kind == UInt8(ascii: "x") || kind == UInt8(ascii: "u") || kind == UInt8(ascii: "U"):
                let count = kind == UInt8(ascii: "x") ? 2 : kind == UInt8(ascii: "u") ? 4 : 8
                guard at + count <= source.count, let value = UTF8Text.hexadecimal(source[at..<at + count]),
                    Unicode.Scalar(value) != nil
                else { throw ChatProblem(what: "a string has a broken escape", line: line) }
                UTF8Text.append(value, to: &bytes)
                at += count
            case UInt8(ascii: "\\"), 0x22, 0x27: bytes.append(source[at - 1])
            // Python keeps a backslash that means nothing.
            case let other: bytes += [0x5C, other]
            }
        }
        guard at < source.count else { throw ChatProblem(what: "a string is not closed", line: line) }
        at += 1
        add(.string, bytes)
    }
}
