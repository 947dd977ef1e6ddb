import MoltCheckpoint
import MoltCore

/// A file that `torch.save` wrote, in either of its formats: a zip archive of a pickle and storages, or, before 2020,
/// pickles followed by storages. Nothing in it is executed, and tensors are read when they are asked for.
struct TorchFile {
    let path: String
    let heap = PickleHeap()
    let root: PickleValue
    private let storages: [String: FileSlice]

    init(path: String) throws {
        try self.init(FileSlice(path: path))
    }

    init(_ slice: FileSlice) throws {
        path = slice.path
        if try ZipArchive.isOne(slice) {
            (root, storages) = try Self.zip(slice, heap)
        } else {
            (root, storages) = try Self.sequence(slice, heap)
        }
    }

    private static func zip(_ slice: FileSlice, _ heap: PickleHeap) throws -> (PickleValue, [String: FileSlice]) {
        let archive = try ZipArchive(slice)
        let pickles = archive.members.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard pickles.count == 1, let name = pickles.first, let pickle = archive.members[name] else {
            throw UserError("the archive has no data.pkl: torch.save did not write it", at: slice.path)
        }
        let prefix = name.dropLast("data.pkl".count)
        if let order = archive.members["\(prefix)byteorder"],
            try order.read(at: 0, count: order.count) != Array("little".utf8)
        {
            throw UserError("its numbers are big-endian", at: slice.path, fix: "save it again on another machine")
        }
        var reader = PickleReader(pickle, into: heap)
        let root = try reader.read()
        var storages: [String: FileSlice] = [:]
        for (member, slice) in archive.members where member.hasPrefix("\(prefix)data/") {
            storages[String(member.dropFirst(prefix.count + 5))] = slice
        }
        return (root, storages)
    }

    /// The pickle of this number begins every old file.
    private static let magic: [UInt8] = [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19]

    private static func sequence(_ slice: FileSlice, _ heap: PickleHeap) throws -> (PickleValue, [String: FileSlice])
    {
        var position = 0
        func next() throws -> PickleValue {
            var reader = PickleReader(slice, at: position, into: heap)
            let value = try reader.read()
            position = reader.position
            return value
        }
        guard slice.count > 2, try slice.read(at: 0, count: 2) == [0x80, 2], try next() == .bytes(magic),
            try next() == .integer(1001)
        else { throw UserError("it is no file of torch.save's", at: slice.path, fix: "is the file whole?") }
        guard let order = heap.field("little_endian", of: try next()), order == .flag(true) else {
            throw UserError("its numbers are big-endian", at: slice.path, fix: "save it again on another machine")
        }
        let root = try next()
        let sizes = Dictionary(
            heap.objects.compactMap { object -> (String, TorchStorage)? in
                guard case .storage(let storage) = object.kind else { return nil }
                return (storage.key, storage)
            }, uniquingKeysWith: { first, _ in first })
        var storages: [String: FileSlice] = [:]
        for key in heap.list(try next()) ?? [] {
            guard case .text(let key) = key, let storage = sizes[key], let type = storage.type else {
                throw UserError("a storage in it belongs to no tensor", at: slice.path)
            }
            var cursor = ByteCursor(slice, at: position)
            let count = try cursor.number(bytes: 8)
            guard count <= UInt64(slice.count),
                let bytes = slice.slice(at: position + 8, count: Int(count) * type.bytes)
            else {
                throw UserError("the storage \(key) ends after the file", at: slice.path, fix: "is the file whole?")
            }
            storages[key] = bytes
            position += 8 + bytes.count
        }
        return (root, storages)
    }

    /// The tensors of a dictionary, by key, in its order; what is no tensor is left out.
    func tensors(of value: PickleValue) -> [(name: String, tensor: TorchTensor)] {
        heap.fields(value).compactMap { key, value in heap.tensor(value).map { (key, $0) } }
    }

    /// A tensor's contents, row by row, whatever strides it is stored with.
    func read(_ tensor: TorchTensor, name: String) throws -> HostTensor {
        let size = tensor.type.bytes
        guard let span = tensor.elementRange, let storage = storages[tensor.storage.key],
            storage.count >= span.upperBound * size
        else {
            throw UserError(
                "the tensor '\(DisplayText.escaped(name, limit: 200))' \(tensor.shape) does not lie in its storage",
                at: path, fix: "is the file whole?")
        }
        let held = try storage.read(at: span.lowerBound * size, count: span.count * size)
        let bytes = tensor.isContiguous ? held : Self.gathered(held, tensor, size)
        return HostTensor(name: name, type: tensor.type, shape: tensor.shape, bytes: bytes)
    }

    private static func gathered(_ held: [UInt8], _ tensor: TorchTensor, _ size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity((tensor.count ?? 0) * size)
        var index = [Int](repeating: 0, count: tensor.shape.count)
        var offset = 0
        for _ in 0..<(tensor.count ?? 0) {
            bytes += held[(offset * size)..<((offset + 1) * size)]
            for dimension in index.indices.reversed() {
                index[dimension] += 1
                offset += tensor.strides[dimension]
                guard index[dimension] == tensor.shape[dimension] else { break }
                offset -= tensor.strides[dimension] * index[dimension]
                index[dimension] = 0
            }
        }
        return bytes
    }
}
