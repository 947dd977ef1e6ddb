import MoltCheckpoint
import MoltCore

/// Reads one pickle into values, and does nothing else: there is no way from here to a function of any kind. Names
/// that are not on the list of `PickleGlobal` end the reading with an error that says which; depth, size and count of
/// everything are bounded.
struct PickleReader {
    private var cursor: ByteCursor
    private let heap: PickleHeap
    private let end: Int
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var texts = 0

    /// - Parameters:
    ///   - position: of the pickle's first byte.
    ///   - heap: takes the objects.
    init(_ slice: FileSlice, at position: Int = 0, into heap: PickleHeap) {
        cursor = ByteCursor(slice, at: position)
        self.heap = heap
        end = min(slice.count, position + Limits.pickleBytesMax)
    }

    /// The position after the pickle.
    var position: Int { cursor.position }

    mutating func read() throws(UserError) -> PickleValue {
        do {
            while true {
                let code = try cursor.byte()
                guard cursor.position <= end, heap.objects.count + memo.count + stack.count <= Limits.pickleValuesMax
                else {
                    throw flaw("it is larger than \(Limits.pickleValuesMax) values or \(Limits.pickleBytesMax) bytes")
                }
                if code == UInt8(ascii: ".") { return try pop() }
                try step(code)
            }
        } catch let error as UserError {
            throw error
        } catch {
            throw flaw("\(error)")
        }
    }

    func flaw(_ reason: String) -> UserError {
        UserError("the pickle at byte \(cursor.position) is refused: \(reason)", at: cursor.slice.path)
    }

    private mutating func step(_ code: UInt8) throws {
        switch code {
        case 0x80: _ = try cursor.byte()
        case 0x95: _ = try cursor.number(bytes: 8)
        case UInt8(ascii: "("):
            guard marks.count < Limits.pickleMarksMax else { throw flaw("it nests too deep") }
            marks.append(stack.count)
        case UInt8(ascii: "0"): _ = try pop()
        case UInt8(ascii: "1"): _ = try popMarked()
        case UInt8(ascii: "2"): stack.append(try top())
        default:
            if let value = try constant(code) {
                stack.append(value)
            } else if try !collect(code) {
                try link(code)
            }
        }
    }

    // MARK: - Values that stand for themselves

    private mutating func constant(_ code: UInt8) throws -> PickleValue? {
        switch code {
        case UInt8(ascii: "N"): return .some(.null)
        case 0x88: return .flag(true)
        case 0x89: return .flag(false)
        case UInt8(ascii: "J"): return .integer(Int(Int32(truncatingIfNeeded: try cursor.number(bytes: 4))))
        case UInt8(ascii: "K"): return .integer(Int(try cursor.byte()))
        case UInt8(ascii: "M"): return .integer(Int(try cursor.number(bytes: 2)))
        case UInt8(ascii: "I"), UInt8(ascii: "L"):
            let line = try cursor.line(max: 64)
            if code == UInt8(ascii: "I"), line == "01" || line == "00" { return .flag(line == "01") }
            guard let integer = Int(line.hasSuffix("L") ? String(line.dropLast()) : line) else {
                throw flaw("'\(DisplayText.escaped(line))' is no number")
            }
            return .integer(integer)
        case 0x8A: return Self.long(try bytes(Int(try cursor.byte())))
        case 0x8B: return Self.long(try bytes(try size(4)))
        case UInt8(ascii: "G"):
            return .number(Double(bitPattern: try cursor.take(8).reduce(0) { $0 << 8 | UInt64($1) }))
        case UInt8(ascii: "X"): return .text(try text(try size(4)))
        case 0x8C: return .text(try text(Int(try cursor.byte())))
        case 0x8D: return .text(try text(try size(8)))
        case UInt8(ascii: "U"): return .text(try text(Int(try cursor.byte())))
        case UInt8(ascii: "T"): return .text(try text(try size(4)))
        case UInt8(ascii: "C"): return .bytes(try bytes(Int(try cursor.byte())))
        case UInt8(ascii: "B"): return .bytes(try bytes(try size(4)))
        case 0x8E, 0x96: return .bytes(try bytes(try size(8)))
        case UInt8(ascii: "]"): return heap.add(PickleObject(kind: .list))
        case UInt8(ascii: ")"): return heap.add(PickleObject(kind: .tuple))
        case UInt8(ascii: "}"): return heap.add(PickleObject(kind: .dictionary))
        case 0x8F: return heap.add(PickleObject(kind: .set))
        default: return nil
        }
    }

    private mutating func size(_ count: Int) throws -> Int {
        let number = try cursor.number(bytes: count)
        guard number <= UInt64(Limits.pickleTextMax) else { throw flaw("a text of \(number) bytes") }
        return Int(number)
    }

    private mutating func bytes(_ count: Int) throws -> [UInt8] {
        texts += count
        guard texts <= Limits.pickleBytesMax else { throw flaw("too much text") }
        return Array(try cursor.take(count))
    }

    private mutating func text(_ count: Int) throws -> String {
        String(decoding: try bytes(count), as: UTF8.self)
    }

    /// Two's complement, little-endian; what does not fit stays bytes.
    private static func long(_ bytes: [UInt8]) -> PickleValue {
        guard bytes.count <= 8 else { return .bytes(bytes) }
        var value: UInt64 = bytes.last.map { $0 >= 0x80 ? .max : 0 } ?? 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return .integer(Int(Int64(bitPattern: value)))
    }

    // MARK: - Collections

    /// False when the code is none of theirs.
    private mutating func collect(_ code: UInt8) throws -> Bool {
        switch code {
        case 0x85, 0x86, 0x87:
            var items: [PickleValue] = []
            for _ in 0..<(Int(code) - 0x84) { items.append(try pop()) }
            stack.append(heap.add(PickleObject(kind: .tuple, items: items.reversed())))
        case UInt8(ascii: "t"): stack.append(heap.add(PickleObject(kind: .tuple, items: try popMarked())))
        case UInt8(ascii: "l"): stack.append(heap.add(PickleObject(kind: .list, items: try popMarked())))
        case UInt8(ascii: "d"): stack.append(heap.add(PickleObject(kind: .dictionary, items: try popPairs())))
        case 0x91: stack.append(heap.add(PickleObject(kind: .set, items: try popMarked())))
        case UInt8(ascii: "a"): try extend([try pop()], .list)
        case UInt8(ascii: "e"): try extend(try popMarked(), .list)
        case 0x90: try extend(try popMarked(), .set)
        case UInt8(ascii: "s"):
            let value = try pop()
            let key = try pop()
            try extend([key, value], .dictionary)
        case UInt8(ascii: "u"): try extend(try popPairs(), .dictionary)
        default: return false
        }
        return true
    }

    private mutating func popPairs() throws -> [PickleValue] {
        let items = try popMarked()
        guard items.count % 2 == 0 else { throw flaw("a key without a value") }
        return items
    }

    /// Adds to the collection on top of the stack; a record may be filled like the class that it stands for.
    private mutating func extend(_ items: [PickleValue], _ kind: PickleObject.Kind) throws {
        var fits = true
        let isObject = heap.change(try top()) { object in
            if object.kind == kind {
                object.items += items
            } else if case .record = object.kind {
                return
            } else {
                fits = false
            }
        }
        guard isObject, fits else { throw flaw("something is added to what is no collection") }
    }

    // MARK: - Names, records, tensors

    private mutating func link(_ code: UInt8) throws {
        switch code {
        case UInt8(ascii: "q"): memo[Int(try cursor.byte())] = try top()
        case UInt8(ascii: "r"): memo[Int(try cursor.number(bytes: 4))] = try top()
        case UInt8(ascii: "p"): memo[try index()] = try top()
        case 0x94: memo[memo.count] = try top()
        case UInt8(ascii: "h"): stack.append(try recall(Int(try cursor.byte())))
        case UInt8(ascii: "j"): stack.append(try recall(Int(try cursor.number(bytes: 4))))
        case UInt8(ascii: "g"): stack.append(try recall(try index()))
        case UInt8(ascii: "c"):
            let module = try cursor.line(max: Limits.pickleNameMax)
            let name = try cursor.line(max: Limits.pickleNameMax)
            stack.append(.global(try global(module, name)))
        case 0x93:
            guard case .text(let name) = try pop(), case .text(let module) = try pop() else {
                throw flaw("a name that is no text")
            }
            stack.append(.global(try global(module, name)))
        case UInt8(ascii: "Q"): stack.append(try PickleBuilder(heap).storage(try pop(), flaw))
        case UInt8(ascii: "R"), 0x81:
            let arguments = try pop()
            stack.append(try PickleBuilder(heap).made(of: try pop(), arguments, flaw))
        case 0x92:
            _ = try pop()
            let arguments = try pop()
            stack.append(try PickleBuilder(heap).made(of: try pop(), arguments, flaw))
        case UInt8(ascii: "b"):
            let state = try pop()
            _ = heap.change(try top()) { object in
                if case .record = object.kind { object.state = state }
            }
        default: throw flaw("the instruction \(code) is not one that a checkpoint needs")
        }
    }

    private mutating func index() throws -> Int {
        guard let index = Int(try cursor.line(max: 20)), index >= 0 else { throw flaw("a place that is no number") }
        return index
    }

    private func recall(_ index: Int) throws -> PickleValue {
        guard let value = memo[index] else { throw flaw("it refers to what it never held") }
        return value
    }

    private func global(_ module: String, _ name: String) throws -> PickleGlobal {
        guard let known = PickleGlobal(module: module, name: name) else {
            throw UserError(
                "the pickle names '\(DisplayText.escaped("\(module).\(name)", limit: 200))', which no checkpoint of "
                    + "weights needs; nothing of it was executed", at: cursor.slice.path,
                fix: "do not load this file with other tools; ask who made it for safetensors")
        }
        return known
    }

    private func top() throws -> PickleValue {
        guard let value = stack.last, marks.last.map({ $0 < stack.count }) ?? true else {
            throw flaw("it takes what is not there")
        }
        return value
    }

    private mutating func pop() throws -> PickleValue {
        let value = try top()
        stack.removeLast()
        return value
    }

    private mutating func popMarked() throws -> [PickleValue] {
        guard let mark = marks.popLast(), mark <= stack.count else { throw flaw("a mark is missing") }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }
}
