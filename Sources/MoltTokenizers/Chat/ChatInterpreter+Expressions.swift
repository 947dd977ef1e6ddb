import MoltCore

extension ChatInterpreter {
    mutating func value(of expression: ChatExpression) throws(ChatFailure) -> ChatValue {
        try step()
        let value = try deeper { (me) throws(ChatFailure) in try me.evaluated(expression) }
        switch value {
        case .text(let text): try step(text.utf8.count >> 6)
        case .list(let values), .tuple(let values): try step(values.count >> 3)
        case .undefined, .none, .bool, .int, .double, .table, .namespace, .macro, .function: break
        }
        return value
    }

    /// Values within values are paid for with steps where they are put together, so that none can hold very many.
    private mutating func weighed(_ value: ChatValue) throws(ChatFailure) -> ChatValue {
        var left = Limits.templateRangeMax
        value.weigh(&left)
        guard left > 0 else { throw ChatFailure("a value gets too large") }
        try step(Limits.templateRangeMax - left)
        return value
    }

    private mutating func values(of expressions: [ChatExpression]) throws(ChatFailure) -> [ChatValue] {
        var result: [ChatValue] = []
        for expression in expressions { result.append(try value(of: expression)) }
        return result
    }

    private mutating func named(_ list: [(String, ChatExpression)]) throws(ChatFailure) -> [String: ChatValue] {
        var result: [String: ChatValue] = [:]
        for (name, expression) in list { result[name] = try value(of: expression) }
        return result
    }

    private mutating func evaluated(_ expression: ChatExpression) throws(ChatFailure) -> ChatValue {
        switch expression {
        case .constant(let value): return value
        case .name(let name): return lookUp(name)
        case .list(let members, let isTuple):
            let values = try values(of: members)
            return try weighed(isTuple ? .tuple(values) : .list(values))
        case .table(let members):
            var table = ChatTable()
            for (key, member) in members { table[try name(of: value(of: key))] = try value(of: member) }
            return try weighed(.table(table))
        // First the values: a namespace that they make must be there when it is asked.
        case .member(let expression, let name):
            let owner = try value(of: expression)
            return try member(owner, name, prefersItem: false)
        case .item(let expression, let place):
            let owner = try value(of: expression), index = try value(of: place)
            return try item(owner, index)
        case .slice(let owner, let first, let last, let step):
            return try slice(value(of: owner), bound(first), bound(last), bound(step))
        case .call(let callee, let positional, let named): return try call(callee, positional, named)
        case .filter(let owner, let name, let positional, let named):
            return try filter(name, value(of: owner), values(of: positional), self.named(named))
        case .test(let owner, let name, let arguments, let negated):
            return .bool(try passes(name, value(of: owner), values(of: arguments)) != negated)
        case .not(let operand): return .bool(!(try value(of: operand).isTrue))
        case .negative(let operand): return try ChatArithmetic.binary("-", .int(0), value(of: operand))
        case .binary(let sign, let left, let right):
            let (a, b) = (try value(of: left), try value(of: right))
            if sign == "~" { return .text(try ChatArithmetic.joined(ChatText.string(a), ChatText.string(b))) }
            return try weighed(ChatArithmetic.binary(sign, a, b))
        case .comparison(let first, let others): return try comparison(first, others)
        case .and(let left, let right):
            let value = try value(of: left)
            return value.isTrue ? try self.value(of: right) : value
        case .or(let left, let right):
            let value = try value(of: left)
            return value.isTrue ? value : try self.value(of: right)
        case .condition(let value, let test, let otherwise):
            if try self.value(of: test).isTrue { return try self.value(of: value) }
            guard let otherwise else { return .undefined }
            return try self.value(of: otherwise)
        }
    }

    private func name(of value: ChatValue) throws(ChatFailure) -> String {
        guard case .text(let key) = value else { throw ChatFailure("only texts can be keys here") }
        return key
    }

    private mutating func comparison(
        _ first: ChatExpression, _ others: [(String, ChatExpression)]
    ) throws(ChatFailure) -> ChatValue {
        var left = try value(of: first)
        for (sign, expression) in others {
            let right = try value(of: expression)
            guard try ChatArithmetic.holds(sign, left, right) else { return .bool(false) }
            left = right
        }
        return .bool(true)
    }

    // MARK: Members

    /// `owner.name`: a method, or an item of a dictionary.
    func member(_ owner: ChatValue, _ name: String, prefersItem: Bool) throws(ChatFailure) -> ChatValue {
        switch owner {
        case .undefined: throw ChatFailure("it asks for '\(name)' of something that is not defined")
        case .table(let table):
            let isMethod = ["items", "keys", "values", "get"].contains(name)
            if let value = table[name], prefersItem || !isMethod { return value }
            return isMethod ? .function(name) : .undefined
        case .namespace(let index): return namespaces[index][name] ?? .undefined
        case .text: return ChatMethods.ofText.contains(name) ? .function(name) : .undefined
        case .list, .tuple: return ["index", "count"].contains(name) ? .function(name) : .undefined
        case .none, .bool, .int, .double, .macro, .function: return .undefined
        }
    }

    private func item(_ owner: ChatValue, _ index: ChatValue) throws(ChatFailure) -> ChatValue {
        if case .text(let name) = index { return try member(owner, name, prefersItem: true) }
        guard let number = index.integer else {
            guard owner.isDefined else { throw ChatFailure("it asks for an item of something that is not defined") }
            return .undefined
        }
        func place(_ count: Int) -> Int? {
            let at = number < 0 ? number.plus(count) : number
            return at >= 0 && at < count ? at : nil
        }
        switch owner {
        case .list(let values), .tuple(let values): return place(values.count).map { values[$0] } ?? .undefined
        case .text(let text):
            let scalars = Array(text.unicodeScalars)
            return place(scalars.count).map { .text(String(scalars[$0])) } ?? .undefined
        case .undefined: throw ChatFailure("it asks for an item of something that is not defined")
        case .none, .bool, .int, .double, .table, .namespace, .macro, .function: return .undefined
        }
    }

    private mutating func bound(_ expression: ChatExpression?) throws(ChatFailure) -> Int? {
        guard let expression else { return nil }
        let value = try value(of: expression)
        if case .none = value { return nil }
        guard let number = value.integer else { throw ChatFailure("a slice's bounds must be whole numbers") }
        return number
    }

    private func slice(_ owner: ChatValue, _ first: Int?, _ last: Int?, _ step: Int?) throws(ChatFailure) -> ChatValue
    {
        func cut<Element>(_ values: [Element]) throws(ChatFailure) -> [Element] {
            let step = step ?? 1
            let count = values.count
            guard step != 0 else { throw ChatFailure("a slice's step must not be zero") }
            func clamped(_ bound: Int, _ low: Int, _ high: Int) -> Int {
                min(max(bound < 0 ? bound.plus(count) : bound, low), high)
            }
            if step > 0 {
                let from = clamped(first ?? 0, 0, count)
                let to = clamped(last ?? count, 0, count)
                return from < to ? stride(from: from, to: to, by: step).map { values[$0] } : []
            }
            let from = first.map { clamped($0, -1, count - 1) } ?? count - 1
            let to = last.map { clamped($0, -1, count - 1) } ?? -1
            return from > to ? stride(from: from, to: to, by: step).map { values[$0] } : []
        }
        switch owner {
        case .list(let values): return .list(try cut(values))
        case .tuple(let values): return .tuple(try cut(values))
        case .text(let text):
            var scalars = String.UnicodeScalarView()
            scalars.append(contentsOf: try cut(Array(text.unicodeScalars)))
            return .text(String(scalars))
        case .undefined, .none, .bool, .int, .double, .table, .namespace, .macro, .function:
            throw ChatFailure("a value of the type \(owner.typeName) cannot be sliced")
        }
    }

    // MARK: Calls

    private mutating func call(
        _ callee: ChatExpression, _ positional: [ChatExpression], _ named: [(String, ChatExpression)]
    ) throws(ChatFailure) -> ChatValue {
        var owner: ChatValue?
        let function: ChatValue
        switch callee {
        case .member(let expression, let name):
            let value = try value(of: expression)
            owner = value
            function = try member(value, name, prefersItem: false)
        case .item(let expression, let index):
            let value = try value(of: expression)
            owner = value
            let place = try self.value(of: index)
            function = try item(value, place)
        default: function = try value(of: callee)
        }
        let arguments = try values(of: positional)
        let options = try self.named(named)
        switch function {
        case .macro(let index): return try expand(macros[index], arguments, options)
        case .function(let name):
            if let owner { return try ChatMethods.call(name, of: owner, arguments, options) }
            return try callGlobal(name, arguments, options)
        case .undefined: throw ChatFailure("it calls something that is not defined: \(Self.name(of: callee))")
        case .none, .bool, .int, .double, .text, .list, .tuple, .table, .namespace:
            throw ChatFailure("a value of the type \(function.typeName) cannot be called")
        }
    }

    private static func name(of callee: ChatExpression) -> String {
        switch callee {
        case .name(let name), .member(_, let name): "'\(name)'"
        default: "an expression"
        }
    }

    private mutating func expand(
        _ bound: BoundMacro, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        guard arguments.count <= bound.macro.parameters.count else {
            throw ChatFailure("the macro '\(bound.macro.name)' gets too many arguments")
        }
        let around = scopes
        scopes = Array(scopes.prefix(bound.depth))
        defer { scopes = around }
        var variables: [String: ChatValue] = [:]
        for (index, parameter) in bound.macro.parameters.enumerated() {
            if index < arguments.count {
                variables[parameter.name] = arguments[index]
            } else if let value = options[parameter.name] {
                variables[parameter.name] = value
            } else if let value = parameter.value {
                variables[parameter.name] = try scoped(variables) { (me) throws(ChatFailure) in
                    try me.value(of: value)
                }
            } else {
                variables[parameter.name] = .undefined
            }
        }
        let body = bound.macro.body
        return .text(try scoped(variables) { (me) throws(ChatFailure) in try me.captured(body) })
    }

    private mutating func callGlobal(
        _ name: String, _ arguments: [ChatValue], _ options: [String: ChatValue]
    ) throws(ChatFailure) -> ChatValue {
        switch name {
        case "raise_exception":
            throw ChatFailure(arguments.first.map(ChatText.string) ?? "it refuses the messages", isRaised: true)
        case "strftime_now":
            guard case .text(let format)? = arguments.first else { throw ChatFailure("strftime_now needs a format") }
            return .text(clock.formatted(format))
        case "namespace", "dict":
            var values = options
            if case .table(let table)? = arguments.first {
                for (key, value) in table.members where values[key] == nil { values[key] = value }
            }
            if name == "dict" { return try weighed(.table(ChatTable(values.sorted { $0.key < $1.key }))) }
            guard namespaces.count < Limits.templateNamespacesMax else {
                throw ChatFailure("it makes too many namespaces")
            }
            namespaces.append(values)
            return .namespace(namespaces.count - 1)
        case "range":
            let bounds = arguments.compactMap(\.integer)
            guard bounds.count == arguments.count, (1...3).contains(bounds.count) else {
                throw ChatFailure("range needs one to three whole numbers")
            }
            let (from, to) = bounds.count == 1 ? (0, bounds[0]) : (bounds[0], bounds[1])
            let by = bounds.count == 3 ? bounds[2] : 1
            guard by != 0 else { throw ChatFailure("range's step must not be zero") }
            var values: [ChatValue] = []
            for value in stride(from: from, to: to, by: by) {
                try step()
                values.append(.int(value))
                guard values.count <= Limits.templateRangeMax else { throw ChatFailure("a range is too long") }
            }
            return .list(values)
        default: throw ChatFailure("'\(name)' cannot be called")
        }
    }
}
