import FoundationEssentials
package import MoltCheckpoint
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The index of a distributed checkpoint of torch (`.metadata`): which part of which tensor lies where.
struct DistributedIndex {
    static let name = ".metadata"

    struct Chunk: Equatable {
        var offsets: [Int]
        var sizes: [Int]
        /// Of the folder, and the bytes there.
        var file: String
        var at: Int
        var count: Int
    }

    struct Entry: Equatable {
        var shape: [Int]
        var chunks: [Chunk]

        /// Whether the parts together have as many numbers as the tensor, and each the bytes for its own: only then
        /// is there anything to make room for.
        func isFilled(by bytes: Int) -> Bool {
            guard let whole = Self.count(shape) else { return false }
            var found = 0
            for chunk in chunks {
                guard let count = Self.count(chunk.sizes), count <= whole - found, count <= chunk.count / bytes else {
                    return false
                }
                found += count
            }
            return found == whole
        }

        /// Nil for what cannot be counted.
        private static func count(_ shape: [Int]) -> Int? {
            var count = 1
            for size in shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard size >= 0, !overflow else { return nil }
                count = product
            }
            return count
        }
    }

    let path: String
    private(set) var entries: [String: Entry] = [:]

    private struct Place: Hashable {
        var name: String
        var offsets: [Int]
    }

    init(_ files: FileSet) throws {
        path = files.path(Self.name)
        let heap = PickleHeap()
        guard let slice = try files.open(Self.name) else { throw FileError("open", path, code: ENOENT) }
        var reader = PickleReader(slice, into: heap)
        let root = try reader.read()
        guard let tensors = heap.field("state_dict_metadata", of: root),
            let stored = heap.field("storage_data", of: root)
        else { throw UserError("it is not the index of a distributed checkpoint", at: path) }
        let places = try Self.places(heap, stored, path)
        for (name, value) in heap.fields(tensors) {
            let shown = DisplayText.escaped(name, limit: 200)
            // Some entries are pickled objects and no tensors.
            guard let size = heap.field("size", of: value).flatMap({ heap.integers($0) }),
                let chunks = heap.field("chunks", of: value).flatMap({ heap.list($0) })
            else { continue }
            guard chunks.count <= Limits.chunksMax else {
                throw Self.flaw(path, "'\(shown)' has \(chunks.count) parts; at most \(Limits.chunksMax) are read")
            }
            guard entries[name] == nil else { throw Self.flaw(path, "'\(shown)' is there twice") }
            entries[name] = Entry(
                shape: size,
                chunks: try chunks.map { chunk in
                    guard let offsets = heap.field("offsets", of: chunk).flatMap({ heap.integers($0) }),
                        let sizes = heap.field("sizes", of: chunk).flatMap({ heap.integers($0) }),
                        var place = places[Place(name: name, offsets: offsets)]
                    else {
                        throw Self.flaw(path, "a part of '\(shown)' lies nowhere")
                    }
                    place.sizes = sizes
                    return place
                })
        }
    }

    private static func flaw(_ path: String, _ reason: String) -> UserError {
        UserError("the index is damaged: \(reason)", at: path, fix: "is the folder whole?")
    }

    private static func places(_ heap: PickleHeap, _ stored: PickleValue, _ path: String) throws -> [Place: Chunk] {
        guard let items = heap.object(stored)?.items else { return [:] }
        var places: [Place: Chunk] = [:]
        for index in stride(from: 0, to: items.count - 1, by: 2) {
            let (key, value) = (items[index], items[index + 1])
            guard case .text(let name)? = heap.field("fqn", of: key) else { continue }
            let offsets = heap.field("offset", of: key).flatMap { heap.integers($0) } ?? []
            guard case .text(let file)? = heap.field("relative_path", of: value),
                case .integer(let at)? = heap.field("offset", of: value),
                case .integer(let count)? = heap.field("length", of: value)
            else { throw flaw(path, "'\(DisplayText.escaped(name, limit: 200))' has no place") }
            guard !file.contains("/"), !file.hasPrefix(".") else {
                throw flaw(path, "it names the file '\(DisplayText.escaped(file, limit: 200))' outside its folder")
            }
            places[Place(name: name, offsets: offsets)] = Chunk(
                offsets: offsets, sizes: [], file: file, at: at, count: count)
        }
        return places
    }
}

/// Puts a tensor together from parts of it.
package struct ChunkAssembly {
    let shape: [Int]
    package private(set) var bytes: [UInt8]
    private let size: Int
    private var filled = 0
    private var boxes: [(offsets: [Int], sizes: [Int])] = []

    package init(shape: [Int], size: Int) {
        (self.shape, self.size) = (shape, size)
        bytes = [UInt8](repeating: 0, count: shape.reduce(size, *))
    }

    /// Whether every number was put in.
    package var isWhole: Bool { filled == bytes.count }

    /// False when the part does not lie in the tensor, or on what was put in before.
    package mutating func put(_ part: HostTensor, at offsets: [Int]) -> Bool {
        guard part.shape.count == shape.count, offsets.count == shape.count,
            zip(offsets, zip(part.shape, shape)).allSatisfy({ $0 >= 0 && $0 <= $1.1 && $1.0 <= $1.1 - $0 })
        else { return false }
        guard !part.bytes.isEmpty else { return true }
        let isFree = boxes.allSatisfy { box in
            shape.indices.contains {
                offsets[$0] >= box.offsets[$0] + box.sizes[$0] || box.offsets[$0] >= offsets[$0] + part.shape[$0]
            }
        }
        guard isFree else { return false }
        boxes.append((offsets, part.shape))
        filled += part.bytes.count
        guard let width = part.shape.last else {
            if shape.isEmpty { bytes = part.bytes }
            return true
        }
        var index = [Int](repeating: 0, count: shape.count - 1)
        var from = 0
        let run = width * size
        while from < part.bytes.count {
            var to = 0
            for dimension in shape.indices {
                let place = offsets[dimension] + (dimension < index.count ? index[dimension] : 0)
                to = to * shape[dimension] + place
            }
            bytes.replaceSubrange((to * size)..<(to * size + run), with: part.bytes[from..<(from + run)])
            from += run
            for dimension in index.indices.reversed() {
                index[dimension] += 1
                guard index[dimension] == part.shape[dimension] else { break }
                index[dimension] = 0
            }
        }
        return true
    }
}
