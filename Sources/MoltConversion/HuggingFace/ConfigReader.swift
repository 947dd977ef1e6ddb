import MoltCore

/// Reads the fields of a config.json; each may go by several names, the newest first.
struct ConfigReader {
    let path: String
    let fields: [String: JSONTree]

    private func find(_ keys: [String]) -> (key: String, value: JSONTree)? {
        for key in keys {
            if let value = fields[key], value != .null { return (key, value) }
        }
        return nil
    }

    func has(_ key: String) -> Bool { find([key]) != nil }

    func integer(_ keys: String..., or fallback: Int? = nil) throws(UserError) -> Int {
        guard let (key, value) = find(keys) else { return try known(fallback, keys) }
        switch value {
        case .integer(let integer) where 0...Limits.sizeMax ~= integer: return integer
        case .number(let number) where number >= 0 && number.rounded() == number && number <= Double(Limits.sizeMax):
            return Int(number)
        default: throw wrong(key, "a whole number from 0 to \(Limits.sizeMax)")
        }
    }

    func number(_ keys: String..., or fallback: Double? = nil) throws(UserError) -> Double {
        guard let (key, value) = find(keys) else { return try known(fallback, keys) }
        guard let number = value.number else { throw wrong(key, "a number") }
        return number
    }

    func flag(_ keys: String..., or fallback: Bool? = nil) throws(UserError) -> Bool {
        guard let (key, value) = find(keys) else { return try known(fallback, keys) }
        guard case .flag(let flag) = value else { throw wrong(key, "true or false") }
        return flag
    }

    func text(_ keys: String..., or fallback: String? = nil) throws(UserError) -> String {
        guard let (key, value) = find(keys) else { return try known(fallback, keys) }
        guard case .text(let text) = value else { throw wrong(key, "a word") }
        return text
    }

    /// Nil when it is not there.
    func words(_ keys: String...) throws(UserError) -> [String]? {
        guard let (key, value) = find(keys) else { return nil }
        guard case .list(let values) = value else { throw wrong(key, "a list of words") }
        var words: [String] = []
        for value in values {
            guard case .text(let word) = value else { throw wrong(key, "a list of words") }
            words.append(word)
        }
        return words
    }

    /// Nil when it is not there.
    func numbers(_ keys: String...) throws(UserError) -> [Double]? {
        guard let (key, value) = find(keys) else { return nil }
        guard case .list(let values) = value else { throw wrong(key, "a list of numbers") }
        var numbers: [Double] = []
        for value in values {
            guard let number = value.number else { throw wrong(key, "a list of numbers") }
            numbers.append(number)
        }
        return numbers
    }

    /// The reader of an object inside; one of nothing when it is not there.
    func inner(_ key: String) -> ConfigReader {
        guard case .object(let inner)? = fields[key] else { return ConfigReader(path: path, fields: [:]) }
        return ConfigReader(path: path, fields: inner)
    }

    func wrong(_ key: String, _ expected: String) -> UserError {
        UserError("'\(key)' is not \(expected)", at: path)
    }

    private func known<Value>(_ fallback: Value?, _ keys: [String]) throws(UserError) -> Value {
        guard let fallback else { throw UserError("'\(keys.first ?? "")' is missing", at: path) }
        return fallback
    }
}

extension JSONTree {
    /// transformers writes what JSON has no number for as an object.
    fileprivate var number: Double? {
        switch self {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        case .object(["__float__": .text("Infinity")]), .text("Infinity"): .infinity
        case .null, .flag, .text, .list, .object: nil
        }
    }
}
