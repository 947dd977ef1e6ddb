import MoltCore

/// Words of a command line, one after the other.
struct Words {
    enum Word {
        case file(String)
        /// With the dashes; its value, if it has one, is read next.
        case option(String)
    }

    var rest: ArraySlice<String>
    private var attached: String?
    private var areFiles = false

    init(rest: ArraySlice<String>) { self.rest = rest }

    mutating func next() -> Word? {
        guard let word = rest.popFirst() else { return nil }
        if areFiles || !word.hasPrefix("--") { return .file(word) }
        if word == "--" {
            areFiles = true
            return next()
        }
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        attached = parts.count == 2 ? String(parts[1]) : nil
        return .option(String(parts[0]))
    }

    mutating func value(_ option: String) throws(UserError) -> String {
        guard let value = attached ?? rest.popFirst() else { throw UserError("\(option) needs a value") }
        return value
    }

    mutating func number(_ option: String) throws(UserError) -> Int {
        let text = try value(option)
        guard let number = Int(text), number > 0 else {
            throw UserError(
                "\(option) needs a whole number above zero, and '\(DisplayText.escaped(text, limit: 40))' is none")
        }
        return number
    }

    /// From 0, or from another least number, on.
    mutating func count(_ option: String, from least: Int = 0) throws(UserError) -> Int {
        let text = try value(option)
        guard let number = Int(text), number >= least else {
            throw UserError(
                "\(option) needs a whole number of at least \(least), "
                    + "and '\(DisplayText.escaped(text, limit: 40))' is none")
        }
        return number
    }

    mutating func real(_ option: String) throws(UserError) -> Double {
        let text = try value(option)
        guard let number = Double(text), number.isFinite else {
            throw UserError("\(option) needs a number, and '\(DisplayText.escaped(text, limit: 40))' is none")
        }
        return number
    }

    /// `4,8,16`
    mutating func list<Value>(_ option: String, _ parse: (String) -> Value?) throws(UserError) -> [Value] {
        let text = try value(option)
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { parse(String($0)) }
        let values = parts.compactMap(\.self)
        guard values.count == parts.count else {
            throw UserError(
                "\(option) needs numbers like 4,8,16, and '\(DisplayText.escaped(text, limit: 40))' are none")
        }
        return values
    }

    /// One of the words of a recipe's key.
    mutating func choice<Value: CaseIterable & RawRepresentable>(
        _ option: String, _ type: Value.Type
    ) throws(UserError) -> Value where Value.RawValue == String {
        try Self.choice(option, try value(option))
    }

    static func choice<Value: CaseIterable & RawRepresentable>(
        _ option: String, _ text: String
    ) throws(UserError) -> Value where Value.RawValue == String {
        if let value = Value(rawValue: text) { return value }
        let all = Value.allCases.map(\.rawValue).joined(separator: ", ")
        throw UserError("\(option) is one of \(all), and '\(DisplayText.escaped(text, limit: 40))' is none of them")
    }

    static func unknown(_ option: String) -> UserError {
        UserError(
            "\(DisplayText.escaped(option, limit: 40)) means nothing on a site",
            fix: "leave it out, or leave --site out to do it on this machine")
    }

    /// The name of a run of this kind about a file or folder.
    static func runName(_ kind: String, _ path: String) -> String {
        "\(kind)-\(plain(path.split(separator: "/").last ?? "data"))"
    }

    static func plain(_ text: some StringProtocol) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(40))
    }

    static func path(_ name: String, in folder: String) -> String { name.hasPrefix("/") ? name : "\(folder)/\(name)" }

    mutating func share(_ option: String) throws(UserError) -> Double {
        let text = try value(option)
        guard let share = Double(text), share >= 0, share < 1 else {
            throw UserError(
                "\(option) needs a share from 0 to below 1, and '\(DisplayText.escaped(text, limit: 40))' is none")
        }
        return share
    }
}
