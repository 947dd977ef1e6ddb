import MoltCheckpoint
import MoltCore

/// What a pickle makes of a name and arguments: collections, tensors, and inert records for the rest.
struct PickleBuilder {
    private let heap: PickleHeap

    init(_ heap: PickleHeap) {
        self.heap = heap
    }

    func made(of maker: PickleValue, _ arguments: PickleValue, _ flaw: (String) -> UserError) throws -> PickleValue {
        guard case .global(let global) = maker else { throw flaw("something is made of what is no name") }
        guard let items = heap.list(arguments) else { throw flaw("something is made of no arguments") }
        switch global {
        case .rebuildTensor: return try tensor(items, flaw)
        case .rebuildParameter:
            guard let data = items.first, heap.tensor(data) != nil else { throw flaw("a parameter without a tensor") }
            return data
        case .dictionary:
            // From pairs, as older versions of Python wrote them.
            let pairs = items.last.flatMap { heap.list($0) } ?? []
            let flat = pairs.flatMap { heap.list($0) ?? [] }
            guard flat.count == 2 * pairs.count else { throw flaw("a dictionary of no pairs") }
            return heap.add(PickleObject(kind: .dictionary, items: flat))
        case .set: return heap.add(PickleObject(kind: .set, items: items.first.flatMap { heap.list($0) } ?? []))
        case .sequence: return heap.add(PickleObject(kind: .list, items: items.first.flatMap { heap.list($0) } ?? []))
        case .encode:
            guard case .text(let text)? = items.first else { throw flaw("bytes of no text") }
            return .bytes(text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
        case .reconstructor:
            guard case .global(.inert(let name))? = items.first else { throw flaw("an object of no class") }
            return heap.add(PickleObject(kind: .record(name)))
        case .inert(let name): return heap.add(PickleObject(kind: .record(name), items: items))
        case .storage: throw flaw("a storage that is not in the file")
        }
    }

    /// From ('storage', type, key, device, count) and, in old files, what it is a view of.
    func storage(_ id: PickleValue, _ flaw: (String) -> UserError) throws -> PickleValue {
        guard let items = heap.list(id), items.count >= 5, items[0] == .text("storage"),
            case .global(.storage(let type)) = items[1], case .integer(let count) = items[4], count >= 0
        else { throw flaw("it refers to something outside that is no storage") }
        guard items.count == 5 || items[5] == .null else { throw flaw("a storage that is a view of another one") }
        let key: String
        switch items[2] {
        case .text(let text): key = text
        case .integer(let integer): key = "\(integer)"
        default: throw flaw("a storage without a key")
        }
        return heap.add(PickleObject(kind: .storage(TorchStorage(key: key, type: type, count: count))))
    }

    private func tensor(_ items: [PickleValue], _ flaw: (String) -> UserError) throws -> PickleValue {
        guard items.count >= 4, case .storage(let storage)? = heap.object(items[0])?.kind,
            case .integer(let offset) = items[1], let shape = heap.integers(items[2]),
            let strides = heap.integers(items[3])
        else { throw flaw("a tensor that is not made of a storage and sizes") }
        guard let type = storage.type else { throw flaw("a tensor of a storage without a type") }
        guard shape.count == strides.count, shape.count <= Limits.dimensionsMax, offset >= 0,
            shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 })
        else { throw flaw("a tensor of the shape \(shape.prefix(20)) and strides \(strides.prefix(20))") }
        let tensor = TorchTensor(storage: storage, type: type, offset: offset, shape: shape, strides: strides)
        guard tensor.elementRange != nil else {
            throw flaw("a tensor of the shape \(shape) that does not lie in its storage of \(storage.count)")
        }
        return heap.add(PickleObject(kind: .tensor(tensor)))
    }
}

extension TorchTensor {
    /// Numbers in it; nil when they are more than the storage has.
    var count: Int? {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return nil }
            count = product
        }
        return count <= storage.count ? count : nil
    }

    /// The elements of the storage from the first to the last that it shows; nil when they do not lie in it.
    var elementRange: Range<Int>? {
        guard let count else { return nil }
        guard count > 0 else { return 0..<0 }
        var last = offset
        for (size, stride) in zip(shape, strides) where size > 1 {
            let (step, overflow) = stride.multipliedReportingOverflow(by: size - 1)
            let (sum, more) = last.addingReportingOverflow(step)
            guard !overflow, !more else { return nil }
            last = sum
        }
        return last < storage.count ? offset..<(last + 1) : nil
    }

    /// Whether its elements follow each other.
    var isContiguous: Bool {
        guard count != 0 else { return true }
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            guard stride == expected else { return false }
            expected *= size
        }
        return true
    }
}
