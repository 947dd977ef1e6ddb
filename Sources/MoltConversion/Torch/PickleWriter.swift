import MoltCheckpoint

/// A value to be written as a pickle of protocol 2, which every version of torch reads.
indirect enum PickleTree {
    case null
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    case list([PickleTree])
    case tuple([PickleTree])
    case dictionary([(PickleTree, PickleTree)])
    /// A class or function by name.
    case global(String, String)
    /// What calling a function with arguments gives.
    case call(PickleTree, [PickleTree])
    /// An object of a class, with its state: fields, unless the class makes something else of it.
    case object(PickleTree, PickleTree)
    /// The tensor at an index of the file's tensors.
    case tensor(Int)

    static func fields(_ fields: [(String, PickleTree)]) -> PickleTree {
        .dictionary(fields.map { (.text($0.0), $0.1) })
    }

    init(_ value: JSONTree) {
        self =
            switch value {
            case .null: .null
            case .flag(let flag): .flag(flag)
            case .integer(let integer): .integer(integer)
            case .number(let number): .number(number)
            case .text(let text): .text(text)
            case .list(let values): .list(values.map { PickleTree($0) })
            case .object(let fields): .fields(fields.map { ($0.key, PickleTree($0.value)) })
            }
    }

    static func size(_ shape: [Int]) -> PickleTree {
        .call(.global("torch", "Size"), [.tuple(shape.map { .integer($0) })])
    }
}

struct PickleWriter {
    private(set) var bytes: [UInt8] = [0x80, 2]
    private let tensors: [PlannedTensor]

    /// - Parameter tensors: those that the value refers to.
    init(_ value: PickleTree, tensors: [PlannedTensor] = []) {
        self.tensors = tensors
        write(value)
        bytes.append(UInt8(ascii: "."))
    }

    private mutating func write(_ value: PickleTree) {
        switch value {
        case .null: bytes.append(UInt8(ascii: "N"))
        case .flag(let flag): bytes.append(flag ? 0x88 : 0x89)
        case .integer(let integer): write(integer)
        case .number(let number):
            bytes.append(UInt8(ascii: "G"))
            bytes += (0..<8).reversed().map { UInt8(truncatingIfNeeded: number.bitPattern >> ($0 * 8)) }
        case .text(let text):
            bytes.append(UInt8(ascii: "X"))
            bytes += little(text.utf8.count, 4) + Array(text.utf8)
        case .list(let values): write(values, from: UInt8(ascii: "]"), with: UInt8(ascii: "e"))
        case .tuple(let values):
            bytes.append(UInt8(ascii: "("))
            for value in values { write(value) }
            bytes.append(UInt8(ascii: "t"))
        case .dictionary(let pairs):
            write(pairs.flatMap { [$0.0, $0.1] }, from: UInt8(ascii: "}"), with: UInt8(ascii: "u"))
        case .global(let module, let name): bytes += Array("c\(module)\n\(name)\n".utf8)
        case .call(let function, let arguments):
            write(function)
            write(.tuple(arguments))
            bytes.append(UInt8(ascii: "R"))
        case .object(let type, let state):
            write(type)
            bytes += [UInt8(ascii: ")"), 0x81]
            write(state)
            bytes.append(UInt8(ascii: "b"))
        case .tensor(let index): write(tensor: index)
        }
    }

    private mutating func write(_ items: [PickleTree], from start: UInt8, with end: UInt8) {
        bytes.append(start)
        guard !items.isEmpty else { return }
        bytes.append(UInt8(ascii: "("))
        for item in items { write(item) }
        bytes.append(end)
    }

    private mutating func write(_ integer: Int) {
        if let small = Int32(exactly: integer) {
            bytes.append(UInt8(ascii: "J"))
            bytes += little(Int(small), 4)
        } else {
            bytes += [0x8A, 8] + little(integer, 8)
        }
    }

    private mutating func write(tensor index: Int) {
        let tensor = tensors[index]
        let count = tensor.shape.reduce(1, *)
        var strides: [Int] = []
        var step = 1
        for size in tensor.shape.reversed() {
            strides.insert(step, at: 0)
            step *= max(1, size)
        }
        write(.global("torch._utils", "_rebuild_tensor_v2"))
        bytes.append(UInt8(ascii: "("))
        write(
            .tuple([
                .text("storage"), .global("torch", tensor.type.storageName), .text("\(index)"), .text("cpu"),
                .integer(count),
            ]))
        bytes.append(UInt8(ascii: "Q"))
        for value: PickleTree in [
            .integer(0), .tuple(tensor.shape.map { .integer($0) }), .tuple(strides.map { .integer($0) }),
            .flag(false),
            .call(.global("collections", "OrderedDict"), []),
        ] { write(value) }
        bytes += [UInt8(ascii: "t"), UInt8(ascii: "R")]
    }

    private func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}

extension StoredType {
    fileprivate var storageName: String {
        switch self {
        case .float64: "DoubleStorage"
        case .float32: "FloatStorage"
        case .float16: "HalfStorage"
        case .bfloat16: "BFloat16Storage"
        case .int64: "LongStorage"
        case .int32: "IntStorage"
        case .int16: "ShortStorage"
        case .int8: "CharStorage"
        case .uint8: "ByteStorage"
        case .bool: "BoolStorage"
        }
    }
}
