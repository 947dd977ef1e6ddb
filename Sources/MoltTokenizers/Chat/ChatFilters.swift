import MoltCore

extension ChatInterpreter {
    /// `value | name(arguments)`
    mutating func filter(
        _ name: String, _ value: ChatValue, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        switch name {
        case "trim", "upper", "lower", "capitalize", "title", "replace", "indent", "string", "safe", "e", "escape",
            "join",
            "wordcount", "tojson", "int", "float":
            return try ChatFilters.text(name, value, arguments, options)
        case "default", "d":
            let isEmpty = arguments.count > 1 ? arguments[1].isTrue : options["boolean"]?.isTrue ?? false
            let other = arguments.first ?? options["default_value"] ?? .text("")
            return isEmpty ? (value.isTrue ? value : other) : (value.isDefined ? value : other)
        case "map", "select", "reject", "selectattr", "rejectattr":
            return try going(name, value, arguments, options)
        default: return try ChatFilters.list(name, value, arguments, options)
        }
    }

    /// Filters that go through a list with a test, a filter or an attribute.
    private mutating func going(
        _ name: String, _ value: ChatValue, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        func word(_ value: ChatValue?) -> String? { if case .text(let word)? = value { word } else { nil } }
        var result: [ChatValue] = []
        for member in try ChatText.members(of: value) {
            try step()
            switch name {
            case "map":
                if let attribute = word(options["attribute"]) {
                    let found = try path(attribute, of: member)
                    result.append(found.isDefined ? found : options["default"] ?? .undefined)
                } else if let filter = word(arguments.first) {
                    result.append(try self.filter(filter, member, Array(arguments.dropFirst()), options))
                } else {
                    throw ChatFailure("'map' needs an attribute or a filter")
                }
            case "select", "reject":
                let holds = try word(arguments.first).map { test throws(ChatFailure) in
                    try passes(test, member, Array(arguments.dropFirst()))
                }
                if (holds ?? member.isTrue) == (name == "select") { result.append(member) }
            default:
                guard let attribute = word(arguments.first) else { throw ChatFailure("'\(name)' needs an attribute") }
                let found = try path(attribute, of: member)
                let holds = try word(arguments.dropFirst().first).map { test throws(ChatFailure) in
                    try passes(test, found, Array(arguments.dropFirst(2)))
                }
                if (holds ?? found.isTrue) == (name == "selectattr") { result.append(member) }
            }
        }
        return .list(result)
    }

    private func path(_ path: String, of value: ChatValue) throws(ChatFailure) -> ChatValue {
        var value = value
        for name in path.split(separator: ".") {
            value = value.isDefined ? try member(value, String(name), prefersItem: true) : .undefined
        }
        return value
    }

    /// `value is name(arguments)`
    func passes(_ name: String, _ value: ChatValue, _ arguments: [ChatValue]) throws(ChatFailure) -> Bool {
        func other() throws(ChatFailure) -> ChatValue {
            guard let first = arguments.first else { throw ChatFailure("the test '\(name)' needs a value") }
            return first
        }
        switch name {
        case "defined": return value.isDefined
        case "undefined": return !value.isDefined
        case "true", "false":
            if case .bool(let flag) = value { return flag == (name == "true") }
            return false
        case "odd", "even", "divisibleby":
            guard let number = value.integer else { throw ChatFailure("the test '\(name)' is for whole numbers") }
            guard name == "divisibleby" else { return (number % 2 == 0) == (name == "even") }
            guard let divisor = try other().integer, divisor != 0 else { throw ChatFailure("it divides by zero") }
            return divisor == -1 || number % divisor == 0
        case "eq", "equalto", "==", "sameas": return ChatValue.isEqual(value, try other())
        case "ne", "!=": return !ChatValue.isEqual(value, try other())
        case "lt", "lessthan", "<": return try ChatArithmetic.holds("<", value, other())
        case "gt", "greaterthan", ">": return try ChatArithmetic.holds(">", value, other())
        case "le", "<=": return try ChatArithmetic.holds("<=", value, other())
        case "ge", ">=": return try ChatArithmetic.holds(">=", value, other())
        case "in": return try ChatArithmetic.contains(other(), value)
        case "upper", "lower":
            let text = ChatText.string(value)
            return text == (name == "upper" ? text.uppercased() : text.lowercased())
                && text.uppercased() != text.lowercased()
        default: return try ChatFilters.isOfType(name, value)
        }
    }
}

/// Filters and tests that need nothing but their values.
enum ChatFilters {
    static func isOfType(_ name: String, _ value: ChatValue) throws(ChatFailure) -> Bool {
        let type = value.typeName
        switch name {
        case "none": return type == "NoneType"
        case "string": return type == "str"
        case "mapping": return type == "dict"
        case "boolean": return type == "bool"
        case "integer": return type == "int"
        case "float": return type == "float"
        case "number": return ["int", "float", "bool"].contains(type)
        case "sequence": return ["str", "list", "tuple", "dict", "Undefined"].contains(type)
        case "iterable": return ["str", "list", "tuple", "dict", "Undefined"].contains(type)
        case "callable": return type == "function"
        default: throw ChatFailure("the test '\(name)' is not known")
        }
    }

    static func text(
        _ name: String, _ value: ChatValue, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        func word(_ value: ChatValue?) -> String? { if case .text(let word)? = value { word } else { nil } }
        let text = ChatText.string(value)
        switch name {
        case "trim":
            return .text(
                ChatMethods.stripped(text, word(arguments.first ?? options["chars"]), left: true, right: true))
        case "upper": return .text(text.uppercased())
        case "lower": return .text(text.lowercased())
        case "capitalize": return .text(ChatMethods.capitalized(text))
        case "title": return .text(ChatMethods.titled(text))
        case "string", "safe": return .text(text)
        case "e", "escape":
            return .text(
                text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
                    .replacing("'", with: "&#39;").replacing("\"", with: "&#34;"))
        case "replace":
            guard let old = word(arguments.first), let new = word(arguments.dropFirst().first) else {
                throw ChatFailure("'replace' needs two texts")
            }
            let most = arguments.dropFirst(2).first?.integer ?? -1
            return .text(try ChatMethods.replaced(text, old, new, atMost: most))
        case "join":
            let separator = ChatText.string(arguments.first ?? options["d"] ?? .text(""))
            return .text(try ChatText.members(of: value).map(ChatText.string).joined(separator: separator))
        case "wordcount":
            return .int(text.unicodeScalars.split { ChatMethods.isSpace($0) }.count)
        case "indent": return .text(try indented(text, arguments, options))
        case "tojson":
            let indent = (arguments.dropFirst().first ?? options["indent"])?.integer
            var separators: (String, String)?
            if case .tuple(let pair)? = options["separators"], pair.count == 2 {
                separators = (ChatText.string(pair[0]), ChatText.string(pair[1]))
            }
            return .text(
                try ChatText.json(
                    value, indent: indent.map { min(max($0, 0), 64) }, sorts: options["sort_keys"]?.isTrue ?? false,
                    separators: separators))
        case "int":
            if let number = value.number { return .int(Int(bounded: number)) }
            return Int(ChatMethods.stripped(text, nil, left: true, right: true)).map(ChatValue.int)
                ?? arguments.first ?? .int(0)
        default:
            if let number = value.number { return .double(number) }
            return Double(ChatMethods.stripped(text, nil, left: true, right: true)).map(ChatValue.double)
                ?? arguments.first ?? .double(0)
        }
    }

    private static func indented(
        _ text: String, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> String {
        let width = arguments.first ?? options["width"] ?? .int(4)
        let isFirst = (arguments.dropFirst().first ?? options["first"])?.isTrue ?? false
        let isBlank = (arguments.dropFirst(2).first ?? options["blank"])?.isTrue ?? false
        let space: String
        if case .text(let given) = width {
            space = given
        } else {
            space = String(repeating: " ", count: min(max(width.integer ?? 4, 0), 1000))
        }
        let lines = (text + "\n").split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let result = lines.enumerated().map { index, line in
            index == 0 || (!isBlank && line.isEmpty) ? String(line) : space + line
        }
        return (isFirst ? space : "") + result.joined(separator: "\n")
    }

    static func list(
        _ name: String, _ value: ChatValue, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        switch name {
        case "length", "count":
            if case .none = value { throw ChatFailure("a value of the type NoneType has no length") }
            return .int(try ChatText.members(of: value).count)
        case "abs":
            if let number = value.integer { return .int(number == .min ? .max : abs(number)) }
            return .double(abs(value.number ?? 0))
        case "round":
            let places = min(max(arguments.first?.integer ?? 0, 0), 15)
            let factor = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
            return .double(((value.number ?? 0) * factor).rounded(.toNearestOrEven) / factor)
        case "items":
            guard case .table(let table) = value else { return .list([]) }
            return .list(table.members.map { .tuple([.text($0), $1]) })
        case "dictsort":
            guard case .table(let table) = value else { throw ChatFailure("'dictsort' is for dictionaries") }
            let sorted = table.members.sorted { ChatArithmetic.isLess($0.0.lowercased(), $1.0.lowercased()) }
            return .list(sorted.map { .tuple([.text($0), $1]) })
        default: break
        }
        let members = try ChatText.members(of: value)
        switch name {
        case "first": return members.first ?? .undefined
        case "last": return members.last ?? .undefined
        case "list": return .list(members)
        case "reverse":
            if case .text(let text) = value {
                var view = String.UnicodeScalarView()
                view.append(contentsOf: text.unicodeScalars.reversed())
                return .text(String(view))
            }
            return .list(members.reversed())
        case "unique":
            var kept: [ChatValue] = []
            for member in members where !kept.contains(where: { ChatValue.isEqual($0, member) }) {
                kept.append(member)
            }
            return .list(kept)
        case "sum":
            var sum = ChatValue.int(0)
            for member in members { sum = try ChatArithmetic.binary("+", sum, member) }
            return sum
        case "min", "max", "sort": return try sorted(name, members, options)
        default: throw ChatFailure("the filter '\(name)' is not known")
        }
    }

    private static func sorted(
        _ name: String, _ members: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        guard members.count <= Limits.templateRangeMax else { throw ChatFailure("a list is too long to be sorted") }
        var keys: [(key: ChatValue, member: ChatValue)] = []
        for member in members {
            var key = member
            if case .text(let attribute)? = options["attribute"] {
                guard case .table(let table) = member, let found = table[attribute] else {
                    throw ChatFailure("a member has no '\(attribute)' to sort by")
                }
                key = found
            }
            if case .text(let text) = key, options["case_sensitive"]?.isTrue != true {
                key = .text(text.lowercased())
            }
            if let first = keys.first { _ = try ChatArithmetic.holds("<", first.key, key) }
            keys.append((key, member))
        }
        // All keys were comparable with the first, so they are of one type.
        var result = keys.enumerated().sorted { left, right in
            let less = (try? ChatArithmetic.holds("<", left.element.key, right.element.key)) ?? false
            let more = (try? ChatArithmetic.holds("<", right.element.key, left.element.key)) ?? false
            return less || (!more && left.offset < right.offset)
        }.map(\.element.member)
        if options["reverse"]?.isTrue == true { result.reverse() }
        switch name {
        case "min": return result.first ?? .undefined
        case "max": return result.last ?? .undefined
        default: return .list(result)
        }
    }
}
