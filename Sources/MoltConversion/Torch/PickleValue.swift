import MoltCheckpoint

/// What a pickle describes. Lists, dictionaries and records lie in a `PickleHeap` and are named by their place there:
/// they can be shared, hold each other, and nest to any depth without a deep stack in the reader.
enum PickleValue: Equatable {
    case null
    case flag(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
    /// Bytes, and whole numbers too large for anything here.
    case bytes([UInt8])
    /// A name of a class or function that is on the list of those that mean something; nothing is ever called.
    case global(PickleGlobal)
    case object(Int)
}

/// What a pickle may name; see `PickleGlobal.init(module:name:)`.
enum PickleGlobal: Equatable {
    case rebuildTensor
    case rebuildParameter
    case dictionary
    case set
    case sequence
    case encode
    case reconstructor
    case storage(StoredType?)
    /// Kept as a record of its arguments and fields.
    case inert(String)
}

struct PickleObject: Equatable {
    enum Kind: Equatable {
        case list, tuple, set
        /// Items are keys and values in turn.
        case dictionary
        /// Items are the arguments that it was made of; `state` are its fields.
        case record(String)
        case tensor(TorchTensor)
        case storage(TorchStorage)
    }

    var kind: Kind
    var items: [PickleValue] = []
    var state: PickleValue = .null
}

/// A storage by its key: the bytes lie elsewhere in the file.
struct TorchStorage: Equatable {
    var key: String
    /// Nil for one that says nothing of its elements.
    var type: StoredType?
    /// In elements.
    var count: Int
}

/// A view of a storage.
struct TorchTensor: Equatable {
    var storage: TorchStorage
    var type: StoredType
    /// In elements, as strides are.
    var offset: Int
    var shape: [Int]
    var strides: [Int]
}

final class PickleHeap {
    fileprivate(set) var objects: [PickleObject] = []

    func add(_ object: PickleObject) -> PickleValue {
        objects.append(object)
        return .object(objects.count - 1)
    }

    func change(_ value: PickleValue, _ body: (inout PickleObject) -> Void) -> Bool {
        guard case .object(let index) = value else { return false }
        body(&objects[index])
        return true
    }

    func object(_ value: PickleValue) -> PickleObject? {
        guard case .object(let index) = value else { return nil }
        return objects[index]
    }

    /// The entries of a dictionary, or the fields of a record, whose keys are texts.
    func fields(_ value: PickleValue) -> [(key: String, value: PickleValue)] {
        guard let object = object(value) else { return [] }
        switch object.kind {
        case .record: return object.state == value ? [] : dictionary(object.state)
        case .dictionary: return dictionary(value)
        case .list, .tuple, .set, .tensor, .storage: return []
        }
    }

    private func dictionary(_ value: PickleValue) -> [(key: String, value: PickleValue)] {
        guard let object = object(value), object.kind == .dictionary else { return [] }
        return stride(from: 0, to: object.items.count - 1, by: 2).compactMap { index in
            guard case .text(let key) = object.items[index] else { return nil }
            return (key, object.items[index + 1])
        }
    }

    /// The value of one key; of several equal ones the last, as in Python.
    func field(_ key: String, of value: PickleValue) -> PickleValue? {
        fields(value).last { $0.key == key }?.value
    }

    func list(_ value: PickleValue) -> [PickleValue]? {
        guard let object = object(value) else { return nil }
        switch object.kind {
        case .list, .tuple, .set: return object.items
        case .record(let name): return name == "torch.Size" ? object.items.first.flatMap { list($0) } : nil
        case .dictionary, .tensor, .storage: return nil
        }
    }

    func integers(_ value: PickleValue) -> [Int]? {
        guard let items = list(value) else { return nil }
        var integers: [Int] = []
        for item in items {
            guard case .integer(let integer) = item else { return nil }
            integers.append(integer)
        }
        return integers
    }

    func tensor(_ value: PickleValue) -> TorchTensor? {
        guard case .tensor(let tensor)? = object(value)?.kind else { return nil }
        return tensor
    }
}
