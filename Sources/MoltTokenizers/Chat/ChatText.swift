/// Values as Python writes them.
enum ChatText {
    /// `str(value)`
    static func string(_ value: ChatValue) -> String {
        switch value {
        case .undefined: ""
        case .text(let text): text
        case .none, .bool, .int, .double, .list, .tuple, .table, .namespace, .macro, .function: representation(value)
        }
    }

    /// `repr(value)`
    static func representation(_ value: ChatValue) -> String {
        switch value {
        case .undefined: return "Undefined"
        case .none: return "None"
        case .bool(let value): return value ? "True" : "False"
        case .int(let value): return "\(value)"
        case .double(let value): return number(value)
        case .text(let text): return quoted(text)
        case .list(let values): return "[" + values.map(representation).joined(separator: ", ") + "]"
        case .tuple(let values):
            let inside = values.map(representation).joined(separator: ", ")
            return values.count == 1 ? "(\(inside),)" : "(\(inside))"
        case .table(let table):
            return "{" + table.members.map { "\(quoted($0)): \(representation($1))" }.joined(separator: ", ") + "}"
        case .namespace: return "<Namespace>"
        case .macro, .function: return "<function>"
        }
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        return "\(value)"
    }

    private static func quoted(_ text: String) -> String {
        let quote: Unicode.Scalar =
            text.unicodeScalars.contains("'") && !text.unicodeScalars.contains("\"") ? "\"" : "'"
        var result = String(quote)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case "\\": result += "\\\\"
            case quote: result += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F: result += "\\x" + hexadecimal(scalar.value, 2)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + String(quote)
    }

    private static func hexadecimal(_ value: UInt32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// The members that a loop goes over.
    static func members(of value: ChatValue) throws(ChatFailure) -> [ChatValue] {
        switch value {
        case .undefined: return []
        case .list(let values), .tuple(let values): return values
        case .table(let table): return table.keys.map { .text($0) }
        case .text(let text): return text.unicodeScalars.map { .text(String($0)) }
        case .none, .bool, .int, .double, .namespace, .macro, .function:
            throw ChatFailure("it goes over a value of the type \(value.typeName), which has no members")
        }
    }

    // MARK: JSON

    /// `json.dumps(value, ensure_ascii=False)`
    /// - Parameter indent: spaces of a level; nil for all in one line.
    static func json(
        _ value: ChatValue, indent: Int?, sorts: Bool, separators: (String, String)?, depth: Int = 0
    ) throws(ChatFailure) -> String {
        guard depth < Limits.templateDepthMax else { throw ChatFailure("a value is nested too deeply for tojson") }
        let (comma, colon) = separators ?? (indent == nil ? ", " : ",", ": ")
        func block(_ open: String, _ close: String, _ parts: [String]) -> String {
            guard let indent, !parts.isEmpty else { return open + parts.joined(separator: comma) + close }
            let inner = "\n" + String(repeating: " ", count: indent * (depth + 1))
            let outer = "\n" + String(repeating: " ", count: indent * depth)
            return open + inner + parts.joined(separator: comma + inner) + outer + close
        }
        switch value {
        case .none: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .int(let value): return "\(value)"
        case .double(let value):
            return value.isFinite ? number(value) : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
        case .text(let text): return jsonString(text)
        case .list(let values), .tuple(let values):
            var parts: [String] = []
            for value in values {
                parts.append(try json(value, indent: indent, sorts: sorts, separators: separators, depth: depth + 1))
            }
            return block("[", "]", parts)
        case .table(let table):
            var parts: [String] = []
            for (key, value) in sorts ? table.members.sorted(by: { $0.0 < $1.0 }) : table.members {
                let text = try json(value, indent: indent, sorts: sorts, separators: separators, depth: depth + 1)
                parts.append(jsonString(key) + colon + text)
            }
            return block("{", "}", parts)
        case .undefined, .namespace, .macro, .function:
            throw ChatFailure("a value of the type \(value.typeName) is no JSON")
        }
    }

    private static func jsonString(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{8}": result += "\\b"
            case "\u{c}": result += "\\f"
            case _ where scalar.value < 0x20: result += "\\u" + hexadecimal(scalar.value, 4)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
