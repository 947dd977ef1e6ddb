import MoltCore

/// What `molt data prepare` is asked for; everything in it decides the bytes of the result.
package struct PrepareSettings: Codable, Equatable, Sendable {
    /// Files, folders and globs.
    package var inputs: [String]
    /// Share of the documents that go to the validation split, chosen by their own hash.
    package var validation = 0.0
    /// Keeps the first of the documents whose texts are equal but for white space.
    package var deduplicate = false
    package var filter = DocumentFilter()
    /// What is one document of a file that is not JSONL.
    package var textUnit: TextUnit = .file
    /// Counts and passes over what is malformed; otherwise the first such line ends the work.
    package var skipBad = false
    /// Longer lines and text files are malformed.
    package var lineBytesMax = Limits.preparedLineBytesMax
    /// Bytes of input that are done or not done after a kill; nil chooses by the size of the input.
    package var unitBytes: Int?
    /// A shard ends with the unit in which it reaches so many tokens.
    package var shardTokens = Limits.shardTokens

    package enum TextUnit: String, Codable, Sendable, CaseIterable { case file, line }

    package init(inputs: [String]) {
        self.inputs = inputs
    }

    func check() throws(UserError) {
        guard validation >= 0, validation < 1 else {
            throw UserError("the share for validation is \(validation)", fix: "give 0 to below 1, like 0.005")
        }
        guard lineBytesMax > 0, lineBytesMax <= Limits.lineBytesCeiling else {
            throw UserError("a line may have 1 to \(Limits.lineBytesCeiling) bytes")
        }
        guard unitBytes ?? 1 > 0, shardTokens > 0 else { throw UserError("units and shards have a size above zero") }
        try filter.check()
    }
}

/// Which documents to keep.
package struct DocumentFilter: Codable, Equatable, Sendable {
    package var bytesMin: Int?
    package var bytesMax: Int?
    package var tokensMin: Int?
    package var tokensMax: Int?
    /// Conditions on fields of a JSON line, like `lang=en` or `meta.score>=0.5`; all must hold.
    package var conditions: [String] = []

    package init() {}

    func check() throws(UserError) {
        for condition in conditions { _ = try FieldCondition(condition) }
        guard bytesMin ?? 0 <= bytesMax ?? .max, tokensMin ?? 0 <= tokensMax ?? .max else {
            throw UserError("the smallest length is above the largest")
        }
    }
}

/// `name operator value`: `=` and `!=` compare texts or numbers, the others numbers. A line without the field does not
/// meet the condition, except `!=`.
struct FieldCondition: Equatable, Sendable {
    let name: String
    let comparison: Comparison
    let value: String

    enum Comparison: String, CaseIterable, Sendable {
        case atLeast = ">="
        case atMost = "<="
        case differs = "!="
        case equals = "="
        case above = ">"
        case below = "<"
    }

    init(_ text: String) throws(UserError) {
        let first = text.firstIndex { "=!<>".contains($0) }
        guard let first, first > text.startIndex,
            let comparison = Comparison.allCases.first(where: { text[first...].hasPrefix($0.rawValue) })
        else {
            throw UserError(
                "the condition '\(DisplayText.escaped(text))' cannot be read", fix: "like lang=en or score>=0.5")
        }
        name = String(text[..<first])
        value = String(text[first...].dropFirst(comparison.rawValue.count))
        self.comparison = comparison
        switch comparison {
        case .equals, .differs: break
        case .atLeast, .atMost, .above, .below:
            guard Double(value) != nil else {
                throw UserError("'\(DisplayText.escaped(text))' does not compare with a number")
            }
        }
    }

    func holds(_ fields: [String: FieldValue]) -> Bool {
        guard let field = fields[name] else { return comparison == .differs }
        let (text, number): (String, Double?) =
            switch field {
            case .text(let text): (text, nil)
            case .plain(let text): (text, Double(text))
            }
        let isEqual = text == value || number.flatMap { own in Double(value).map { own == $0 } } ?? false
        switch comparison {
        case .equals: return isEqual
        case .differs: return !isEqual
        case .atLeast: return compare(number, >=)
        case .atMost: return compare(number, <=)
        case .above: return compare(number, >)
        case .below: return compare(number, <)
        }
    }

    private func compare(_ number: Double?, _ holds: (Double, Double) -> Bool) -> Bool {
        guard let number, let limit = Double(value) else { return false }
        return holds(number, limit)
    }
}
