/// Finds the words of the best-known split patterns without a regular expression. `LibraryTests` compares what follows.
struct WordSplitter: Sendable {
    enum Kind: Hashable, Sendable {
        /// GPT-2's, which is also GPT-NeoX's: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|…`
        case gpt2
        /// Those of cl100k, Llama 3 and Qwen 2: digits by `digits`, letters with one sign before them.
        /// `endsWhole`: spaces at the end of a text are one word, even with a newline among them.
        case modern(digits: Int, endsWhole: Bool)
    }

    let kind: Kind

    /// The patterns as they are written in the files of the families.
    static let known: [String: Kind] = {
        let contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
        let letters = #"[^\r\n\p{L}\p{N}]?\p{L}+"#
        let rest = #" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"#
        return [
            gpt2Pattern: .gpt2,
            #"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#: .gpt2,
            #"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"#: .gpt2,
            #"\#(contractions)|\#(letters)|\p{N}{1,3}|\#(rest)"#: .modern(digits: 3, endsWhole: false),
            #"\#(contractions)|\#(letters)|\p{N}|\#(rest)"#: .modern(digits: 1, endsWhole: false),
            #"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|"#
                + #"\s*[\r\n]|\s+(?!\S)|\s"#: .modern(digits: 3, endsWhole: true),
        ]
    }()

    static let gpt2Pattern =
        #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#

    /// The end of the word that begins at `start`.
    /// - Parameter text: valid UTF-8.
    @inline(__always)
    func end(of start: Int, in text: UnsafePointer<UInt8>, _ count: Int) -> Int {
        switch kind {
        case .gpt2: gpt2(start, text, count)
        case .modern(let digits, let endsWhole): modern(start, text, count, digits, endsWhole)
        }
    }

    private func gpt2(_ start: Int, _ text: UnsafePointer<UInt8>, _ count: Int) -> Int {
        if text[start] == 0x27, let end = contraction(start, text, count, anyCase: false) { return end }
        let first = Glyph(text + start)
        var next = first
        var at = start + first.length
        if text[start] == 0x20, at < count {
            next = Glyph(text + at)
            if next.kind != .space { at += next.length }
        }
        guard next.kind != .space else { return spaces(start, text, count) }
        return run(of: next.kind, from: at, text, count)
    }

    private func modern(
        _ start: Int, _ text: UnsafePointer<UInt8>, _ count: Int, _ digits: Int, _ endsWhole: Bool
    ) -> Int {
        let byte = text[start]
        if byte == 0x27, let end = contraction(start, text, count, anyCase: true) { return end }
        let first = Glyph(text + start)
        let after = start + first.length
        switch first.kind {
        case .letter: return run(of: .letter, from: after, text, count)
        case .number:
            var at = after
            var left = digits - 1
            while left > 0, at < count {
                let next = Glyph(text + at)
                guard next.kind == .number else { break }
                at += next.length
                left -= 1
            }
            return at
        case .space, .other:
            let next = after < count ? Glyph(text + after) : nil
            if let next, next.kind == .letter, byte != 0x0A, byte != 0x0D {
                return run(of: .letter, from: after + next.length, text, count)
            }
            if first.kind == .other { return signs(after, text, count) }
            if byte == 0x20, let next, next.kind == .other { return signs(after + next.length, text, count) }
            return lines(start, text, count, endsWhole)
        }
    }

    /// `[^\s\p{L}\p{N}]+[\r\n]*`, one of which is read.
    private func signs(_ from: Int, _ text: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var at = run(of: .other, from: from, text, count)
        while at < count, text[at] == 0x0A || text[at] == 0x0D { at += 1 }
        return at
    }

    private func run(of kind: Glyph.Kind, from: Int, _ text: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var at = from
        while at < count {
            let next = Glyph(text + at)
            guard next.kind == kind else { break }
            at += next.length
        }
        return at
    }

    /// `\s+(?!\S)|\s+`: all but the last space when a word follows.
    private func spaces(_ start: Int, _ text: UnsafePointer<UInt8>, _ count: Int) -> Int {
        var at = start
        var last = start
        while at < count {
            let next = Glyph(text + at)
            guard next.kind == .space else { return last > start ? last : at }
            last = at
            at += next.length
        }
        return count
    }

    /// `\s*[\r\n]+` before `\s+(?!\S)|\s+`.
    private func lines(_ start: Int, _ text: UnsafePointer<UInt8>, _ count: Int, _ endsWhole: Bool) -> Int {
        var at = start
        var last = start
        var newline = start
        while at < count {
            let next = Glyph(text + at)
            guard next.kind == .space else { break }
            last = at
            if text[at] == 0x0A || text[at] == 0x0D { newline = at + 1 }
            at += next.length
        }
        if at == count, endsWhole { return count }
        if newline > start { return newline }
        return at == count || last == start ? at : last
    }

    private func contraction(_ at: Int, _ text: UnsafePointer<UInt8>, _ count: Int, anyCase: Bool) -> Int? {
        guard at + 1 < count else { return nil }
        func letter(_ index: Int) -> UInt8 { anyCase && text[index] < 0x80 ? text[index] | 0x20 : text[index] }
        let isLetter = !anyCase || text[at + 1] >= 0x41
        switch letter(at + 1) {
        case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"):
            return isLetter ? at + 2 : nil
        case UInt8(ascii: "r"), UInt8(ascii: "v"):
            return isLetter && at + 2 < count && letter(at + 2) == UInt8(ascii: "e") ? at + 3 : nil
        case UInt8(ascii: "l"):
            return isLetter && at + 2 < count && letter(at + 2) == UInt8(ascii: "l") ? at + 3 : nil
        // The long s is an s in another case.
        case 0xC5: return anyCase && at + 2 < count && text[at + 2] == 0xBF ? at + 3 : nil
        default: return nil
        }
    }
}

/// A character as the split patterns see it.
struct Glyph {
    enum Kind { case letter, number, space, other }

    let kind: Kind
    let length: Int

    @inline(__always) init(_ p: UnsafePointer<UInt8>) {
        let byte = p[0]
        if byte < 0x80 {
            length = 1
            kind =
                (byte | 0x20) &- 0x61 < 26
                ? .letter
                : byte &- 0x30 < 10 ? .number : byte == 0x20 || byte &- 0x09 < 5 ? .space : .other
        } else {
            length = UTF8Text.length(byte)
            let point = UnicodeTables.shared[UTF8Text.scalar(p)]
            kind = point.isLetter ? .letter : point.isNumber ? .number : point.isSpace ? .space : .other
        }
    }
}
