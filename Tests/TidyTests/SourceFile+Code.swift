extension SourceFile {
    /// Numbered lines that are not comments; text inside string literals is blanked.
    var code: [(Int, String)] {
        zip(1..., lines).compactMap { number, line in
            let bare = line.drop { $0 == " " }
            return bare.hasPrefix("//") ? nil : (number, Self.withoutLiterals(line))
        }
    }

    private static let importModifiers: Set<Substring> = [
        "package", "public", "internal", "private", "@preconcurrency",
    ]

    /// The modules that this file imports.
    var imports: [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let index = words.firstIndex(of: "import"), index <= 2, !line.hasPrefix(" "), index + 1 < words.count,
                words[..<index].allSatisfy(Self.importModifiers.contains)
            else { return nil }
            return String(words[index + 1].split(separator: ".").first ?? "")
        }
    }

    private static func withoutLiterals(_ line: Substring) -> String {
        var result = "", inside = false, escaped = false
        for character in line {
            if inside {
                if escaped { escaped = false } else if character == "\\" { escaped = true } else if character == "\"" {
                    inside = false
                }
            } else if character == "\"" {
                inside = true
            } else {
                result.append(character)
            }
        }
        return result
    }
}

extension StringProtocol {
    var trimmedForReport: String { String(drop { $0 == " " }.prefix(100)) }
}

/// Where a function begins and how many lines its body spans, found by counting braces.
struct FunctionSpan {
    let start: Int
    let lines: Int

    static func all(in file: SourceFile) -> [FunctionSpan] {
        var spans: [FunctionSpan] = []
        var open: (start: Int, depth: Int, entered: Bool)?
        var depth = 0
        for (number, line) in file.code {
            if open == nil, isFunctionStart(line) { open = (number, depth, false) }
            for character in line {
                if character == "{" { depth += 1 }
                if character == "}" { depth -= 1 }
                if let current = open {
                    if character == "{" { open?.entered = true }
                    if current.entered, character == "}", depth == current.depth {
                        spans.append(FunctionSpan(start: current.start, lines: number - current.start + 1))
                        open = nil
                    }
                }
            }
            // A requirement of a protocol has no body.
            if let current = open, !current.entered, line.last != "(", line.last != ",", depth == current.depth,
                number > current.start + 12 {
                open = nil
            }
        }
        return spans
    }

    private static func isFunctionStart(_ line: String) -> Bool {
        let words = line.split { $0 == " " || $0 == "(" || $0 == "<" || $0 == "?" }
        return words.prefix(5).contains("func") || words.prefix(3).contains("init") && line.contains("(")
    }
}
