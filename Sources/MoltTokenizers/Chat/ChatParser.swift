/// Makes statements of a template's tokens.
struct ChatParser {
    private var tokens: [ChatToken]
    private var at = 0
    private var depth = 0
    private(set) var hasGeneration = false

    init(_ source: String) throws(ChatProblem) {
        tokens = try ChatLexer.tokens(of: source)
    }

    mutating func template() throws(ChatProblem) -> [ChatStatement] {
        let body = try statements(until: [])
        guard token.kind == .end else { throw problem("'\(token.text)' ends nothing") }
        return body
    }

    // MARK: Tokens

    private var token: ChatToken { tokens[min(at, tokens.count - 1)] }

    private func problem(_ what: String) -> ChatProblem { ChatProblem(what: what, line: token.line) }

    private func isName(_ name: String) -> Bool { token.kind == .name && token.text == name }

    private func isSign(_ sign: String) -> Bool { token.kind == .sign && token.text == sign }

    private mutating func takes(_ sign: String) -> Bool {
        guard isSign(sign) else { return false }
        at += 1
        return true
    }

    private mutating func takesName(_ name: String) -> Bool {
        guard isName(name) else { return false }
        at += 1
        return true
    }

    private mutating func expect(_ sign: String) throws(ChatProblem) {
        guard takes(sign) else { throw problem("'\(sign)' is missing") }
    }

    private mutating func name() throws(ChatProblem) -> String {
        guard token.kind == .name else { throw problem("a name is missing") }
        defer { at += 1 }
        return token.text
    }

    private mutating func endTag() throws(ChatProblem) {
        guard token.kind == .statementEnd else { throw problem("'\(token.text)' is not expected before '%}'") }
        at += 1
    }

    // MARK: Statements

    /// Up to a tag with one of the names, which is left where it is, behind its `{%`.
    private mutating func statements(until ends: Set<String>) throws(ChatProblem) -> [ChatStatement] {
        depth += 1
        defer { depth -= 1 }
        guard depth < Limits.templateDepthMax else { throw problem("nested too deeply") }
        var result: [ChatStatement] = []
        while true {
            switch token.kind {
            case .text:
                result.append(.text(token.text))
                at += 1
            case .outputStart:
                at += 1
                result.append(.output(try expression(tuples: true)))
                guard token.kind == .outputEnd else { throw problem("'}}' is missing") }
                at += 1
            case .statementStart:
                let next = tokens[min(at + 1, tokens.count - 1)]
                if next.kind == .name, ends.contains(next.text) {
                    at += 1
                    return result
                }
                at += 1
                result.append(try statement())
            case .end:
                guard ends.isEmpty else { throw problem("'\(ends.sorted().joined(separator: "' or '"))' is missing") }
                return result
            case .statementEnd, .outputEnd, .name, .string, .integer, .number, .sign:
                throw problem("'\(token.text)' is not expected")
            }
        }
    }

    private mutating func body(_ end: String) throws(ChatProblem) -> [ChatStatement] {
        try endTag()
        let body = try statements(until: [end])
        at += 1
        // `{% endmacro name %}` may repeat the name.
        if token.kind == .name { at += 1 }
        try endTag()
        return body
    }

    private mutating func statement() throws(ChatProblem) -> ChatStatement {
        let word = try name()
        switch word {
        case "if": return try branch()
        case "for": return .loop(try loop())
        case "set": return try set()
        case "macro":
            let name = try self.name()
            return .macro(ChatMacro(name: name, parameters: try parameters(), body: try body("endmacro")))
        case "filter":
            let filter = try filters(of: .name(Self.blockName))
            return .filterBlock(filter, try body("endfilter"))
        case "generation":
            hasGeneration = true
            return .generation(try body("endgeneration"))
        case "break", "continue":
            try endTag()
            return word == "break" ? .breakLoop : .continueLoop
        default: throw problem("the tag '\(word)' is not known")
        }
    }

    /// What a filter block's contents are called in its expression.
    static let blockName = "(block)"

    private mutating func branch() throws(ChatProblem) -> ChatStatement {
        var branches: [(ChatExpression, [ChatStatement])] = []
        var otherwise: [ChatStatement] = []
        var condition = try expression(tuples: true)
        try endTag()
        while true {
            let body = try statements(until: ["elif", "else", "endif"])
            branches.append((condition, body))
            switch try name() {
            case "elif":
                condition = try expression(tuples: true)
                try endTag()
            case "else":
                try endTag()
                otherwise = try statements(until: ["endif"])
                at += 1
                try endTag()
                return .branch(branches, otherwise: otherwise)
            default:
                try endTag()
                return .branch(branches, otherwise: otherwise)
            }
        }
    }

    private mutating func loop() throws(ChatProblem) -> ChatLoop {
        let isParenthesised = takes("(")
        var names = [try name()]
        while takes(",") { names.append(try name()) }
        if isParenthesised { try expect(")") }
        guard takesName("in") else { throw problem("'in' is missing") }
        let over = try expression(tuples: true, conditions: false)
        let filter = takesName("if") ? try expression() : nil
        let isRecursive = takesName("recursive")
        try endTag()
        let body = try statements(until: ["else", "endfor"])
        var otherwise: [ChatStatement] = []
        if try name() == "else" {
            try endTag()
            otherwise = try statements(until: ["endfor"])
            at += 1
        }
        try endTag()
        return ChatLoop(
            names: names, over: over, filter: filter, isRecursive: isRecursive, body: body, otherwise: otherwise)
    }

    private mutating func set() throws(ChatProblem) -> ChatStatement {
        var names = [try name()]
        if takes(".") {
            let member = try name()
            try expect("=")
            let value = try expression(tuples: true)
            try endTag()
            return .set(.member(names[0], member), value)
        }
        while takes(",") { names.append(try name()) }
        if takes("=") {
            let value = try expression(tuples: true)
            try endTag()
            return .set(.names(names), value)
        }
        let filter = isSign("|") ? [try filters(of: .name(Self.blockName))] : []
        return .setBlock(names[0], filters: filter, try body("endset"))
    }

    private mutating func parameters() throws(ChatProblem) -> [(name: String, value: ChatExpression?)] {
        try expect("(")
        var result: [(name: String, value: ChatExpression?)] = []
        while !takes(")") {
            if !result.isEmpty { try expect(",") }
            let name = try name()
            result.append((name, takes("=") ? try expression() : nil))
        }
        return result
    }
}

// MARK: Expressions

extension ChatParser {
    /// - Parameters:
    ///   - tuples: `a, b` is one expression.
    ///   - conditions: `a if b else c` is one.
    fileprivate mutating func expression(
        tuples: Bool = false, conditions: Bool = true
    ) throws(ChatProblem) -> ChatExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Limits.templateDepthMax else { throw problem("nested too deeply") }
        let first = try conditions ? condition() : disjunction()
        guard tuples, isSign(",") else { return first }
        var members = [first]
        while takes(","), token.kind != .statementEnd, token.kind != .outputEnd {
            members.append(try conditions ? condition() : disjunction())
        }
        return .list(members, isTuple: true)
    }

    private mutating func condition() throws(ChatProblem) -> ChatExpression {
        var value = try disjunction()
        while takesName("if") {
            let test = try disjunction()
            value = .condition(value, if: test, else: takesName("else") ? try condition() : nil)
        }
        return value
    }

    private mutating func disjunction() throws(ChatProblem) -> ChatExpression {
        var left = try conjunction()
        while takesName("or") { left = .or(left, try conjunction()) }
        return left
    }

    private mutating func conjunction() throws(ChatProblem) -> ChatExpression {
        var left = try negation()
        while takesName("and") { left = .and(left, try negation()) }
        return left
    }

    private mutating func negation() throws(ChatProblem) -> ChatExpression {
        var count = 0
        while takesName("not") { count += 1 }
        guard count < Limits.templateDepthMax else { throw problem("nested too deeply") }
        let value = try comparison()
        return (0..<count).reduce(value) { value, _ in .not(value) }
    }

    private mutating func comparison() throws(ChatProblem) -> ChatExpression {
        let left = try sum()
        var others: [(String, ChatExpression)] = []
        while true {
            if token.kind == .sign, ["==", "!=", "<", "<=", ">", ">="].contains(token.text) {
                let sign = token.text
                at += 1
                others.append((sign, try sum()))
            } else if takesName("in") {
                others.append(("in", try sum()))
            } else if isName("not"), tokens[min(at + 1, tokens.count - 1)].text == "in" {
                at += 2
                others.append(("not in", try sum()))
            } else {
                return others.isEmpty ? left : .comparison(left, others)
            }
        }
    }

    private mutating func sum() throws(ChatProblem) -> ChatExpression {
        var left = try concatenation()
        while isSign("+") || isSign("-") {
            let sign = token.text
            at += 1
            left = .binary(sign, left, try concatenation())
        }
        return left
    }

    private mutating func concatenation() throws(ChatProblem) -> ChatExpression {
        var left = try product()
        while takes("~") { left = .binary("~", left, try product()) }
        return left
    }

    private mutating func product() throws(ChatProblem) -> ChatExpression {
        var left = try unary()
        while token.kind == .sign, ["*", "/", "//", "%"].contains(token.text) {
            let sign = token.text
            at += 1
            left = .binary(sign, left, try unary())
        }
        return left
    }

    private mutating func unary() throws(ChatProblem) -> ChatExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth < Limits.templateDepthMax else { throw problem("nested too deeply") }
        if takes("-") { return try filtersAndTests(.negative(try unary())) }
        if takes("+") { return try unary() }
        var value = try postfix(try primary())
        if takes("**") { value = .binary("**", value, try unary()) }
        return try filtersAndTests(value)
    }

    private mutating func filtersAndTests(_ value: ChatExpression) throws(ChatProblem) -> ChatExpression {
        var value = value
        while true {
            if isSign("|") {
                value = try filters(of: value)
            } else if takesName("is") {
                value = try test(value)
            } else {
                return value
            }
        }
    }

    fileprivate mutating func filters(of value: ChatExpression) throws(ChatProblem) -> ChatExpression {
        var value = value
        if !isSign("|") {
            // The first filter of a filter block stands without its bar.
            value = try filter(value)
        }
        while takes("|") { value = try filter(value) }
        return value
    }

    private mutating func filter(_ value: ChatExpression) throws(ChatProblem) -> ChatExpression {
        var name = try name()
        while takes(".") { name += ".\(try self.name())" }
        let (positional, named) = isSign("(") ? try arguments() : ([], [])
        return .filter(value, name, positional, named)
    }

    private mutating func test(_ value: ChatExpression) throws(ChatProblem) -> ChatExpression {
        let negated = takesName("not")
        let name = try name()
        if isSign("(") { return .test(value, name, try arguments().positional, negated: negated) }
        let takesOne = ["divisibleby", "sameas", "equalto", "eq", "ne", "in", "lt", "gt", "le", "ge"].contains(name)
        let argument = takesOne ? [try postfix(try primary())] : []
        return .test(value, name, argument, negated: negated)
    }

    private mutating func arguments() throws(ChatProblem) -> (
        positional: [ChatExpression], named: [(String, ChatExpression)]
    ) {
        try expect("(")
        var positional: [ChatExpression] = []
        var named: [(String, ChatExpression)] = []
        while !takes(")") {
            if !positional.isEmpty || !named.isEmpty { try expect(",") }
            if takes(")") { break }
            let next = tokens[min(at + 1, tokens.count - 1)]
            if token.kind == .name, next.kind == .sign, next.text == "=" {
                let name = try name()
                at += 1
                named.append((name, try expression()))
            } else {
                positional.append(try expression())
            }
        }
        return (positional, named)
    }

    private mutating func postfix(_ value: ChatExpression) throws(ChatProblem) -> ChatExpression {
        var value = value
        while true {
            if takes(".") {
                if token.kind == .integer, let index = Int(token.text) {
                    at += 1
                    value = .item(value, .constant(.int(index)))
                } else {
                    value = .member(value, try name())
                }
            } else if takes("[") {
                value = try subscripted(value)
            } else if isSign("(") {
                let (positional, named) = try arguments()
                value = .call(value, positional, named)
            } else {
                return value
            }
        }
    }

    private mutating func subscripted(_ value: ChatExpression) throws(ChatProblem) -> ChatExpression {
        func ends() -> Bool { isSign(":") || isSign("]") }
        let first = ends() ? nil : try expression(tuples: true)
        guard isSign(":") else {
            try expect("]")
            guard let first else { throw problem("an index is missing") }
            return .item(value, first)
        }
        at += 1
        let last = ends() ? nil : try expression()
        let step = takes(":") && !isSign("]") ? try expression() : nil
        try expect("]")
        return .slice(value, first, last, step)
    }

    private mutating func primary() throws(ChatProblem) -> ChatExpression {
        let token = token
        at += 1
        switch token.kind {
        case .string:
            var text = token.text
            while self.token.kind == .string {
                text += self.token.text
                at += 1
            }
            return .constant(.text(text))
        case .integer:
            guard let value = Int(token.text) else { throw problem("the number \(token.text) is too large") }
            return .constant(.int(value))
        case .number: return .constant(.double(Double(token.text) ?? 0))
        case .name:
            switch token.text {
            case "true", "True": return .constant(.bool(true))
            case "false", "False": return .constant(.bool(false))
            case "none", "None": return .constant(.none)
            default: return .name(token.text)
            }
        case .sign where token.text == "(":
            if takes(")") { return .list([], isTuple: true) }
            let value = try parenthesised()
            try expect(")")
            return value
        case .sign where token.text == "[":
            var members: [ChatExpression] = []
            while !takes("]") {
                if !members.isEmpty { try expect(",") }
                if takes("]") { break }
                members.append(try expression())
            }
            return .list(members, isTuple: false)
        case .sign where token.text == "{": return try table()
        default:
            at -= 1
            throw problem(token.text.isEmpty ? "an expression is missing" : "'\(token.text)' is not expected")
        }
    }

    private mutating func parenthesised() throws(ChatProblem) -> ChatExpression {
        let first = try expression()
        guard isSign(",") else { return first }
        var members = [first]
        while takes(","), !isSign(")") { members.append(try expression()) }
        return .list(members, isTuple: true)
    }

    private mutating func table() throws(ChatProblem) -> ChatExpression {
        var members: [(ChatExpression, ChatExpression)] = []
        while !takes("}") {
            if !members.isEmpty { try expect(",") }
            if takes("}") { break }
            let key = try expression()
            try expect(":")
            members.append((key, try expression()))
        }
        return .table(members)
    }
}
