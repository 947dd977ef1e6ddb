/// Runs a template: no input, no output but text, and only so many steps and bytes.
struct ChatInterpreter {
    /// What a statement leaves behind.
    enum Flow { case normal, breaks, continues }

    struct BoundMacro {
        var macro: ChatMacro
        /// The scopes that it sees: those around its definition.
        var depth: Int
    }

    /// Variables, the innermost scope last.
    var scopes: [[String: ChatValue]]
    var namespaces: [[String: ChatValue]] = []
    var macros: [BoundMacro] = []
    var output: [UInt8] = []
    /// Bytes of the output that the assistant wrote.
    var answers: [Range<Int>] = []
    let clock: ChatClock
    private var steps = 0
    private var depth = 0

    init(variables: [String: ChatValue], clock: ChatClock) {
        scopes = [variables]
        self.clock = clock
    }

    /// Counts a step; every loop and every expression comes by here.
    mutating func step(_ count: Int = 1) throws(ChatFailure) {
        steps += max(count, 1)
        guard steps <= Limits.templateStepsMax else { throw ChatFailure("it takes too many steps") }
    }

    mutating func deeper<Result>(
        _ body: (inout ChatInterpreter) throws(ChatFailure) -> Result
    ) throws(ChatFailure) -> Result {
        depth += 1
        defer { depth -= 1 }
        guard depth < Limits.templateDepthMax else { throw ChatFailure("it calls itself too deeply") }
        return try body(&self)
    }

    mutating func write(_ text: String) throws(ChatFailure) {
        guard output.count + text.utf8.count <= Limits.templateOutputBytesMax else {
            throw ChatFailure("its text gets too long")
        }
        output += text.utf8
    }

    // MARK: Statements

    mutating func run(_ statements: [ChatStatement]) throws(ChatFailure) -> Flow {
        for statement in statements {
            let flow = try run(statement)
            if flow != .normal { return flow }
        }
        return .normal
    }

    private mutating func run(_ statement: ChatStatement) throws(ChatFailure) -> Flow {
        try step()
        switch statement {
        case .text(let text): try write(text)
        case .output(let expression): try write(ChatText.string(try value(of: expression)))
        case .branch(let branches, let otherwise):
            for (condition, body) in branches where try value(of: condition).isTrue {
                return try deeper { (me) throws(ChatFailure) in try me.run(body) }
            }
            return try deeper { (me) throws(ChatFailure) in try me.run(otherwise) }
        case .loop(let loop): try deeper { (me) throws(ChatFailure) in try me.run(loop) }
        case .set(let target, let expression): try set(target, try value(of: expression))
        case .setBlock(let name, let filters, let body):
            var value = ChatValue.text(try captured(body))
            if let filter = filters.first { value = try filtered(filter, block: value) }
            scopes[scopes.count - 1][name] = value
        case .macro(let macro):
            macros.append(BoundMacro(macro: macro, depth: scopes.count))
            scopes[scopes.count - 1][macro.name] = .macro(macros.count - 1)
        case .filterBlock(let filter, let body):
            try write(ChatText.string(try filtered(filter, block: .text(try captured(body)))))
        case .generation(let body):
            let start = output.count
            _ = try scoped([:]) { (me) throws(ChatFailure) in try me.run(body) }
            answers.append(start..<output.count)
        case .breakLoop: return .breaks
        case .continueLoop: return .continues
        }
        return .normal
    }

    mutating func scoped<Result>(
        _ variables: [String: ChatValue], _ body: (inout ChatInterpreter) throws(ChatFailure) -> Result
    ) throws(ChatFailure) -> Result {
        scopes.append(variables)
        defer { scopes.removeLast() }
        return try deeper(body)
    }

    /// The text that statements write; no answers are noted in it.
    mutating func captured(_ body: [ChatStatement]) throws(ChatFailure) -> String {
        let (before, spans) = (output, answers)
        output = []
        _ = try scoped([:]) { (me) throws(ChatFailure) in try me.run(body) }
        let text = String(decoding: output, as: UTF8.self)
        (output, answers) = (before, spans)
        return text
    }

    private mutating func filtered(_ filter: ChatExpression, block: ChatValue) throws(ChatFailure) -> ChatValue {
        try scoped([ChatParser.blockName: block]) { (me) throws(ChatFailure) in try me.value(of: filter) }
    }

    private mutating func set(_ target: ChatTarget, _ value: ChatValue) throws(ChatFailure) {
        switch target {
        case .names(let names):
            let values = try unpacked(value, into: names)
            for (name, value) in zip(names, values) { scopes[scopes.count - 1][name] = value }
        case .member(let name, let member):
            guard case .namespace(let index) = lookUp(name) else {
                throw ChatFailure("it sets a member of '\(name)', which is no namespace")
            }
            namespaces[index][member] = value
        }
    }

    private func unpacked(_ value: ChatValue, into names: [String]) throws(ChatFailure) -> [ChatValue] {
        if names.count == 1 { return [value] }
        let values = try ChatText.members(of: value)
        guard values.count == names.count else {
            throw ChatFailure("\(values.count) values do not fit \(names.count) names")
        }
        return values
    }

    func lookUp(_ name: String) -> ChatValue {
        for scope in scopes.reversed() {
            if let value = scope[name] { return value }
        }
        return Self.functions.contains(name) ? .function(name) : .undefined
    }

    static let functions: Set<String> = ["range", "namespace", "dict", "raise_exception", "strftime_now"]

    private mutating func run(_ loop: ChatLoop) throws(ChatFailure) {
        var items: [ChatValue] = []
        for item in try ChatText.members(of: try value(of: loop.over)) {
            try step()
            if let filter = loop.filter {
                let variables = try bound(loop, item)
                let keeps = try scoped(variables) { (me) throws(ChatFailure) in try me.value(of: filter).isTrue }
                if !keeps { continue }
            }
            items.append(item)
        }
        guard !loop.isRecursive else { throw ChatFailure("recursive loops are not known") }
        if items.isEmpty {
            _ = try scoped([:]) { (me) throws(ChatFailure) in try me.run(loop.otherwise) }
            return
        }
        for index in items.indices {
            try step()
            var variables = try bound(loop, items[index])
            variables["loop"] = Self.loopValue(index, items)
            let flow = try scoped(variables) { (me) throws(ChatFailure) in try me.run(loop.body) }
            if flow == .breaks { return }
        }
    }

    private func bound(_ loop: ChatLoop, _ item: ChatValue) throws(ChatFailure) -> [String: ChatValue] {
        let values = try unpacked(item, into: loop.names)
        return Dictionary(zip(loop.names, values)) { $1 }
    }

    private static func loopValue(_ index: Int, _ items: [ChatValue]) -> ChatValue {
        var loop = ChatTable([
            ("index", .int(index + 1)), ("index0", .int(index)), ("revindex", .int(items.count - index)),
            ("revindex0", .int(items.count - index - 1)), ("first", .bool(index == 0)),
            ("last", .bool(index == items.count - 1)), ("length", .int(items.count)), ("depth", .int(1)),
        ])
        if index > 0 { loop["previtem"] = items[index - 1] }
        if index + 1 < items.count { loop["nextitem"] = items[index + 1] }
        loop["cycle"] = .function("cycle:\(index)")
        return .table(loop)
    }
}

/// Why a template gives no text.
struct ChatFailure: Error {
    var what: String
    /// What the template itself says by `raise_exception`.
    var isRaised = false

    init(_ what: String, isRaised: Bool = false) {
        self.what = what
        self.isRaised = isRaised
    }
}
