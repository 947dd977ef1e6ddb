/// A value of a template, as Python would have it.
indirect enum ChatValue: Sendable {
    case undefined
    case none
    case bool(Bool)
    case int(Int)
    case double(Double)
    case text(String)
    case list([ChatValue])
    case tuple([ChatValue])
    case table(ChatTable)
    /// What `namespace()` made: the only thing that `set` changes in place.
    case namespace(Int)
    case macro(Int)
    /// Of the template language itself, or of a loop.
    case function(String)

    var isTrue: Bool {
        switch self {
        case .undefined, .none: false
        case .bool(let value): value
        case .int(let value): value != 0
        case .double(let value): value != 0
        case .text(let value): !value.isEmpty
        case .list(let values), .tuple(let values): !values.isEmpty
        case .table(let table): !table.keys.isEmpty
        case .namespace, .macro, .function: true
        }
    }

    var isDefined: Bool {
        if case .undefined = self { false } else { true }
    }

    /// Its number; booleans are numbers.
    var number: Double? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .int(let value): Double(value)
        case .double(let value): value
        case .undefined, .none, .text, .list, .tuple, .table, .namespace, .macro, .function: nil
        }
    }

    var integer: Int? {
        switch self {
        case .bool(let value): value ? 1 : 0
        case .int(let value): value
        case .undefined, .none, .double, .text, .list, .tuple, .table, .namespace, .macro, .function: nil
        }
    }

    var typeName: String {
        switch self {
        case .undefined: "Undefined"
        case .none: "NoneType"
        case .bool: "bool"
        case .int: "int"
        case .double: "float"
        case .text: "str"
        case .list: "list"
        case .tuple: "tuple"
        case .table: "dict"
        case .namespace: "Namespace"
        case .macro, .function: "function"
        }
    }

    /// Takes from a number the values in it and each kilobyte of its texts; stops when nothing is left.
    func weigh(_ left: inout Int) {
        guard left > 0 else { return }
        left -= 1
        switch self {
        case .list(let values), .tuple(let values): for value in values where left > 0 { value.weigh(&left) }
        case .table(let table): for (_, value) in table.members where left > 0 { value.weigh(&left) }
        case .text(let text): left -= text.utf8.count >> 10
        case .undefined, .none, .bool, .int, .double, .namespace, .macro, .function: break
        }
    }

    static func isEqual(_ left: ChatValue, _ right: ChatValue) -> Bool {
        switch (left, right) {
        case (.undefined, .undefined), (.none, .none): return true
        case (.text(let a), .text(let b)): return a.utf8.elementsEqual(b.utf8)
        case (.list(let a), .list(let b)), (.tuple(let a), .tuple(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { isEqual($0, $1) }
        case (.table(let a), .table(let b)):
            return a.keys.count == b.keys.count
                && a.keys.allSatisfy { key in
                    guard let one = a[key], let other = b[key] else { return false }
                    return isEqual(one, other)
                }
        case (.namespace(let a), .namespace(let b)), (.macro(let a), .macro(let b)): return a == b
        default:
            guard let a = left.number, let b = right.number else { return false }
            return a == b
        }
    }
}

/// A dictionary that keeps the order of its keys.
struct ChatTable: Sendable {
    private(set) var keys: [String] = []
    private var values: [String: ChatValue] = [:]

    init(_ members: [(String, ChatValue)] = []) {
        for (key, value) in members { self[key] = value }
    }

    subscript(key: String) -> ChatValue? {
        get { values[key] }
        set {
            if values[key] == nil, newValue != nil { keys.append(key) }
            if newValue == nil { keys.removeAll { $0 == key } }
            values[key] = newValue
        }
    }

    var members: [(String, ChatValue)] { keys.compactMap { key in values[key].map { (key, $0) } } }
}

extension ChatValue {
    init(_ node: JSONNode) {
        switch node {
        case .null: self = .none
        case .bool(let value): self = .bool(value)
        case .number(let value): self = Int(exactly: value).map(ChatValue.int) ?? .double(value)
        case .string(let bytes): self = .text(String(decoding: bytes, as: UTF8.self))
        case .array(let values): self = .list(values.map(ChatValue.init))
        case .object(let members):
            self = .table(ChatTable(members.map { (String(decoding: $0.key, as: UTF8.self), ChatValue($0.value)) }))
        }
    }
}
