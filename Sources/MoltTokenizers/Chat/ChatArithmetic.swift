/// Operators, as Python has them for the values of templates.
enum ChatArithmetic {
    static func binary(_ sign: String, _ left: ChatValue, _ right: ChatValue) throws(ChatFailure) -> ChatValue {
        guard left.isDefined, right.isDefined else { throw ChatFailure("'\(sign)' is used on something not defined") }
        switch (sign, left, right) {
        case ("+", .text(let a), .text(let b)): return .text(try joined(a, b))
        case ("+", .list(let a), .list(let b)): return .list(a + b)
        case ("+", .tuple(let a), .tuple(let b)): return .tuple(a + b)
        case ("*", .text(let text), .int(let count)), ("*", .int(let count), .text(let text)):
            guard count <= 0 || text.utf8.count <= Limits.templateOutputBytesMax / count else {
                throw ChatFailure("a repeated text gets too long")
            }
            return .text(String(repeating: text, count: max(0, count)))
        default: break
        }
        if let a = left.integer, let b = right.integer, sign != "/" { return try whole(sign, a, b) }
        guard let a = left.number, let b = right.number else {
            throw ChatFailure("'\(sign)' does not work on \(left.typeName) and \(right.typeName)")
        }
        switch sign {
        case "+": return .double(a + b)
        case "-": return .double(a - b)
        case "*": return .double(a * b)
        case "/", "//", "%":
            guard b != 0 else { throw ChatFailure("it divides by zero") }
            if sign == "/" { return .double(a / b) }
            let quotient = (a / b).rounded(.down)
            return .double(sign == "//" ? quotient : a - b * quotient)
        default: throw ChatFailure("'\(sign)' is not known for numbers with a point")
        }
    }

    static func joined(_ a: String, _ b: String) throws(ChatFailure) -> String {
        guard a.utf8.count + b.utf8.count <= Limits.templateOutputBytesMax else {
            throw ChatFailure("a text gets too long")
        }
        return a + b
    }

    private static func whole(_ sign: String, _ a: Int, _ b: Int) throws(ChatFailure) -> ChatValue {
        let (value, overflows): (Int, Bool)
        switch sign {
        case "+": (value, overflows) = a.addingReportingOverflow(b)
        case "-": (value, overflows) = a.subtractingReportingOverflow(b)
        case "*": (value, overflows) = a.multipliedReportingOverflow(by: b)
        case "//", "%":
            guard b != 0 else { throw ChatFailure("it divides by zero") }
            guard b != -1 else { return sign == "%" ? .int(0) : try whole("-", 0, a) }
            let remainder = a % b
            let goesDown = remainder != 0 && (remainder < 0) != (b < 0)
            (value, overflows) = (sign == "//" ? a / b - (goesDown ? 1 : 0) : remainder + (goesDown ? b : 0), false)
        case "**":
            guard b >= 0, b <= 64 else { throw ChatFailure("a power is too large") }
            var power = 1
            for _ in 0..<b {
                let (next, isLarge) = power.multipliedReportingOverflow(by: a)
                guard !isLarge else { throw ChatFailure("a number gets too large") }
                power = next
            }
            (value, overflows) = (power, false)
        default: throw ChatFailure("'\(sign)' is not known")
        }
        guard !overflows else { throw ChatFailure("a number gets too large") }
        return .int(value)
    }

    static func holds(_ sign: String, _ left: ChatValue, _ right: ChatValue) throws(ChatFailure) -> Bool {
        switch sign {
        case "==": return ChatValue.isEqual(left, right)
        case "!=": return !ChatValue.isEqual(left, right)
        case "in": return try contains(right, left)
        case "not in": return try !contains(right, left)
        default: break
        }
        if case .text(let a) = left, case .text(let b) = right { return ordered(sign, isLess(a, b), isLess(b, a)) }
        guard let a = left.number, let b = right.number else {
            throw ChatFailure("'\(sign)' does not work on \(left.typeName) and \(right.typeName)")
        }
        return ordered(sign, a < b, b < a)
    }

    private static func ordered(_ sign: String, _ isLess: Bool, _ isMore: Bool) -> Bool {
        switch sign {
        case "<": isLess
        case ">": isMore
        case "<=": !isMore
        default: !isLess
        }
    }

    static func isLess(_ a: String, _ b: String) -> Bool {
        a.unicodeScalars.lexicographicallyPrecedes(b.unicodeScalars)
    }

    static func contains(_ owner: ChatValue, _ value: ChatValue) throws(ChatFailure) -> Bool {
        switch owner {
        case .text(let text):
            guard case .text(let part) = value else {
                throw ChatFailure("a text cannot hold a value of the type \(value.typeName)")
            }
            return part.isEmpty || !ChatMethods.places(of: part, in: text, atMost: 1).isEmpty
        case .list(let values), .tuple(let values): return values.contains { ChatValue.isEqual($0, value) }
        case .table(let table):
            guard case .text(let key) = value else { return false }
            return table[key] != nil
        case .undefined: return false
        case .none, .bool, .int, .double, .namespace, .macro, .function:
            throw ChatFailure("a value of the type \(owner.typeName) holds nothing")
        }
    }
}
