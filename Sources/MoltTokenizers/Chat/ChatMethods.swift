import MoltCore

/// Methods of texts, lists and dictionaries that change nothing.
enum ChatMethods {
    static let ofText: Set<String> = [
        "strip", "lstrip", "rstrip", "split", "rsplit", "splitlines", "upper", "lower", "title", "capitalize",
        "startswith", "endswith", "replace", "find", "rfind", "index", "count", "join", "isdigit", "isalpha",
        "isspace",
        "isupper", "islower", "removeprefix", "removesuffix",
    ]

    static func call(
        _ name: String, of owner: ChatValue, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        switch owner {
        case .text(let text): return try ofText(name, text, arguments, options)
        case .table(let table):
            if name.hasPrefix("cycle:"), let index = Int(name.dropFirst(6)) {
                guard !arguments.isEmpty else { throw ChatFailure("cycle needs something to go through") }
                return arguments[index % arguments.count]
            }
            switch name {
            case "items": return .list(table.members.map { .tuple([.text($0), $1]) })
            case "keys": return .list(table.keys.map { .text($0) })
            case "values": return .list(table.members.map(\.1))
            default:
                guard case .text(let key)? = arguments.first else { return arguments.dropFirst().first ?? .none }
                return table[key] ?? arguments.dropFirst().first ?? options["default"] ?? .none
            }
        case .list(let values), .tuple(let values):
            guard let wanted = arguments.first else { throw ChatFailure("'\(name)' needs a value") }
            if name == "count" { return .int(values.count { ChatValue.isEqual($0, wanted) }) }
            guard let place = values.firstIndex(where: { ChatValue.isEqual($0, wanted) }) else {
                throw ChatFailure("the value is not in the list")
            }
            return .int(place)
        case .undefined, .none, .bool, .int, .double, .namespace, .macro, .function:
            throw ChatFailure("'\(name)' of a value of the type \(owner.typeName) cannot be called")
        }
    }

    private static func ofText(
        _ name: String, _ text: String, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        func word(_ index: Int) -> String? {
            if index < arguments.count, case .text(let word) = arguments[index] { return word }
            return nil
        }
        switch name {
        case "strip": return .text(stripped(text, word(0), left: true, right: true))
        case "lstrip": return .text(stripped(text, word(0), left: true, right: false))
        case "rstrip": return .text(stripped(text, word(0), left: false, right: true))
        case "upper": return .text(text.uppercased())
        case "lower": return .text(text.lowercased())
        case "capitalize": return .text(capitalized(text))
        case "title": return .text(titled(text))
        case "splitlines": return .list(lines(text).map { .text($0) })
        case "split", "rsplit":
            let most = (arguments.dropFirst().first ?? options["maxsplit"])?.integer ?? -1
            let separator = word(0) ?? { if case .text(let word)? = options["sep"] { word } else { nil } }()
            return .list(try split(text, separator, most, fromEnd: name == "rsplit").map { .text($0) })
        case "startswith", "endswith":
            var words: [String] = []
            for value in arguments.first.map({ (try? ChatText.members(of: $0)) ?? [] }) ?? [] {
                if case .text(let word) = value { words.append(word) }
            }
            if let word = word(0) { words = [word] }
            return .bool(
                words.contains {
                    name == "startswith"
                        ? text.utf8.starts(with: $0.utf8) : text.utf8.reversed().starts(with: $0.utf8.reversed())
                })
        case "replace":
            guard let old = word(0), let new = word(1) else { throw ChatFailure("'replace' needs two texts") }
            return .text(try replaced(text, old, new, atMost: arguments.dropFirst(2).first?.integer ?? -1))
        case "join":
            let parts = try arguments.first.map { value throws(ChatFailure) in try ChatText.members(of: value) } ?? []
            return .text(parts.map(ChatText.string).joined(separator: text))
        case "removeprefix":
            guard let part = word(0), text.utf8.starts(with: part.utf8) else { return .text(text) }
            return .text(String(decoding: text.utf8.dropFirst(part.utf8.count), as: UTF8.self))
        case "removesuffix":
            guard let part = word(0), text.utf8.reversed().starts(with: part.utf8.reversed()) else {
                return .text(text)
            }
            return .text(String(decoding: text.utf8.dropLast(part.utf8.count), as: UTF8.self))
        case "find", "rfind", "index", "count": return try found(name, text, word(0))
        default: return .bool(isAll(name, text))
        }
    }

    private static func found(_ name: String, _ text: String, _ part: String?) throws(ChatFailure) -> ChatValue {
        guard let part else { throw ChatFailure("'\(name)' needs a text") }
        let places = places(of: part, in: text, atMost: .max)
        if name == "count" { return .int(part.isEmpty ? text.unicodeScalars.count + 1 : places.count) }
        var all = places
        if name == "rfind", let last = lastPlace(of: part, in: text) { all = [last] }
        guard let place = part.isEmpty ? 0 : all.first else {
            if name == "index" { throw ChatFailure("substring not found") }
            return .int(-1)
        }
        return .int(String(decoding: text.utf8.prefix(place), as: UTF8.self).unicodeScalars.count)
    }

    private static func isAll(_ name: String, _ text: String) -> Bool {
        let scalars = text.unicodeScalars
        switch name {
        case "isdigit": return !scalars.isEmpty && scalars.allSatisfy { UnicodeTables.shared[$0.value].category == 9 }
        case "isalpha": return !scalars.isEmpty && scalars.allSatisfy { UnicodeTables.shared[$0.value].isLetter }
        case "isspace": return !scalars.isEmpty && scalars.allSatisfy { UnicodeTables.shared[$0.value].isSpace }
        case "isupper": return text == text.uppercased() && text != text.lowercased()
        default: return text == text.lowercased() && text != text.uppercased()
        }
    }

    // MARK: Texts

    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        UnicodeTables.shared[scalar.value].isSpace || (0x1C...0x1F).contains(scalar.value)
    }

    /// - Parameter characters: those that go; nil for spaces.
    static func stripped(_ text: String, _ characters: String?, left: Bool, right: Bool) -> String {
        var scalars = Array(text.unicodeScalars)[...]
        let set = characters.map { Set($0.unicodeScalars) }
        func goes(_ scalar: Unicode.Scalar) -> Bool { set.map { $0.contains(scalar) } ?? isSpace(scalar) }
        if left { scalars = scalars.drop(while: goes) }
        while right, let last = scalars.last, goes(last) { scalars.removeLast() }
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    static func capitalized(_ text: String) -> String {
        guard let first = text.unicodeScalars.first else { return text }
        let rest = String(text.unicodeScalars.dropFirst())
        return first.properties.titlecaseMapping + rest.lowercased()
    }

    static func titled(_ text: String) -> String {
        var result = ""
        var wasLetter = false
        for scalar in text.unicodeScalars {
            let isLetter = UnicodeTables.shared[scalar.value].isLetter
            result +=
                wasLetter
                ? scalar.properties.lowercaseMapping : isLetter ? scalar.properties.titlecaseMapping : String(scalar)
            wasLetter = isLetter
        }
        return result
    }

    static func lines(_ text: String) -> [String] {
        let unified = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        var lines = unified.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    /// Byte offsets where a part is, none over another.
    static func places(of part: String, in text: String, atMost: Int) -> [Int] {
        let (bytes, wanted) = (Array(text.utf8), Array(part.utf8))
        guard let first = wanted.first, wanted.count <= bytes.count else { return [] }
        var result: [Int] = []
        var at = 0
        while at + wanted.count <= bytes.count, result.count < atMost {
            if bytes[at] == first, bytes[at..<at + wanted.count].elementsEqual(wanted) {
                result.append(at)
                at += wanted.count
            } else {
                at += 1
            }
        }
        return result
    }

    private static func lastPlace(of part: String, in text: String) -> Int? {
        let (bytes, wanted) = (Array(text.utf8), Array(part.utf8))
        guard wanted.count <= bytes.count else { return nil }
        return (0...bytes.count - wanted.count).last { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }

    static func replaced(_ text: String, _ old: String, _ new: String, atMost: Int) throws(ChatFailure) -> String {
        let places = places(of: old, in: text, atMost: atMost < 0 ? .max : atMost)
        let bytes = Array(text.utf8)
        guard bytes.count.plus(places.count.times(new.utf8.count)) <= Limits.templateOutputBytesMax else {
            throw ChatFailure("a text gets too long")
        }
        var result: [UInt8] = []
        var end = 0
        for place in places {
            result += bytes[end..<place]
            result += new.utf8
            end = place + old.utf8.count
        }
        return String(decoding: result + bytes[end...], as: UTF8.self)
    }

    private static func split(
        _ text: String, _ separator: String?, _ most: Int, fromEnd: Bool
    ) throws(ChatFailure) -> [String] {
        guard let separator else { return words(text, most) }
        guard !separator.isEmpty else { throw ChatFailure("a text cannot be split at nothing") }
        var places = places(of: separator, in: text, atMost: .max)
        if most >= 0 { places = Array(fromEnd ? places.suffix(most) : places.prefix(most)) }
        let bytes = Array(text.utf8)
        var result: [String] = []
        var start = 0
        for place in places {
            result.append(String(decoding: bytes[start..<place], as: UTF8.self))
            start = place + separator.utf8.count
        }
        return result + [String(decoding: bytes[start...], as: UTF8.self)]
    }

    private static func words(_ text: String, _ most: Int) -> [String] {
        var result: [String] = []
        var rest = Array(text.unicodeScalars)[...]
        while true {
            rest = rest.drop(while: isSpace)
            guard !rest.isEmpty else { return result }
            let isLast = most >= 0 && result.count == most
            let word = isLast ? rest : rest.prefix { !isSpace($0) }
            var view = String.UnicodeScalarView()
            view.append(contentsOf: word)
            result.append(isLast ? stripped(String(view), nil, left: false, right: true) : String(view))
            rest = rest[word.endIndex...]
        }
    }
}
