import FoundationEssentials
import MoltCore

/// What is wrong with a file that should hold tensors; names it.
package struct SafetensorsProblem: Error, Equatable, Sendable, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String { "\(path): \(reason)" }
}

/// The table of contents of a safetensors file.
///
/// The file is: 8 bytes length of the header (little-endian), the header as a JSON object, the tensors' bytes. A reader
/// trusts nothing: lengths are bounded, every tensor's bytes equal its type times its shape, and the tensors cover the
/// file exactly once.
package struct SafetensorsHeader: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package var name: String
        package var type: StoredType
        package var shape: [Int]
        /// Bytes of the file.
        package var range: Range<Int>
    }

    /// In the order of the file.
    package let entries: [Entry]
    package let metadata: [String: String]

    private struct Field: Codable {
        var dtype: String
        var shape: [Int]
        var data_offsets: [Int]
    }

    private enum Value: Decodable {
        case field(Field)
        case metadata([String: String])

        init(from decoder: any Decoder) throws {
            if let field = try? Field(from: decoder) {
                self = .field(field)
            } else {
                self = .metadata(try [String: String](from: decoder))
            }
        }
    }

    /// The length of the header from the first eight bytes.
    static func length(of prefix: [UInt8], fileSize: Int, path: String) throws(SafetensorsProblem) -> Int {
        guard prefix.count == 8 else {
            throw SafetensorsProblem(path: path, reason: "the file has \(fileSize) bytes and no header")
        }
        let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= Limits.headerBytesMax else {
            throw SafetensorsProblem(
                path: path,
                reason: "a header of \(length) bytes; "
                    + "at most \(Limits.headerBytesMax) are allowed")
        }
        guard Int(length) <= fileSize - 8 else {
            throw SafetensorsProblem(path: path, reason: "a header of \(length) bytes in a file of \(fileSize)")
        }
        return Int(length)
    }

    init(parsing json: [UInt8], fileSize: Int, path: String) throws(SafetensorsProblem) {
        let values: [String: Value]
        do {
            values = try BoundedJSON().decode([String: Value].self, from: Data(json))
        } catch {
            throw SafetensorsProblem(path: path, reason: "the header is not a safetensors header")
        }
        let names = SafetensorsNames(json).repeated
        guard names.isEmpty else {
            throw SafetensorsProblem(path: path, reason: "tensor '\(names[0].prefix(80))' is there twice")
        }
        let start = 8 + json.count
        var entries: [Entry] = []
        var metadata: [String: String] = [:]
        for (name, value) in values {
            switch value {
            case .metadata(let fields):
                guard name == "__metadata__" else {
                    throw SafetensorsProblem(path: path, reason: "'\(name.prefix(80))' does not describe a tensor")
                }
                metadata = fields
            case .field(let field):
                do throws(Flaw) {
                    entries.append(try Self.entry(name, field, start: start, fileSize: fileSize))
                } catch {
                    throw SafetensorsProblem(path: path, reason: "tensor '\(name.prefix(80))': \(error.reason)")
                }
            }
        }
        entries.sort {
            ($0.range.lowerBound, $0.range.upperBound, $0.name) < (
                $1.range.lowerBound, $1.range.upperBound, $1.name
            )
        }
        var position = start
        for entry in entries {
            guard entry.range.lowerBound == position else {
                let what = entry.range.lowerBound < position ? "overlaps the one before" : "leaves a hole before it"
                throw SafetensorsProblem(path: path, reason: "tensor '\(entry.name.prefix(80))' \(what)")
            }
            position = entry.range.upperBound
        }
        guard position == fileSize else {
            throw SafetensorsProblem(path: path, reason: "the tensors end at byte \(position) of \(fileSize)")
        }
        self.entries = entries
        self.metadata = metadata
    }

    private struct Flaw: Error { var reason: String }

    private static func entry(
        _ name: String, _ field: Field, start: Int, fileSize: Int
    ) throws(Flaw) -> Entry {
        guard name.utf8.count <= Limits.nameBytesMax else { throw Flaw(reason: "the name is too long") }
        guard let type = StoredType(rawValue: field.dtype) else {
            throw Flaw(reason: "the type '\(field.dtype.prefix(20))' is not known")
        }
        guard field.shape.count <= Limits.dimensionsMax else {
            throw Flaw(reason: "\(field.shape.count) dimensions")
        }
        guard let bytes = byteCount(type, field.shape) else {
            throw Flaw(reason: "the shape \(field.shape) is absurd")
        }
        guard field.data_offsets.count == 2,
            case (let lower, let upper) = (field.data_offsets[0], field.data_offsets[1]),
            lower >= 0, lower <= upper, upper <= fileSize - start
        else { throw Flaw(reason: "its bytes \(field.data_offsets) lie outside the file") }
        guard upper - lower == bytes else {
            throw Flaw(reason: "\(upper - lower) bytes for \(type.rawValue) \(field.shape), which takes \(bytes)")
        }
        return Entry(name: name, type: type, shape: field.shape, range: (start + lower)..<(start + upper))
    }

    /// Nil when a dimension is negative or the product overflows.
    static func byteCount(_ type: StoredType, _ shape: [Int]) -> Int? {
        var count = type.bytes
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    /// The first bytes of a file with these tensors in this order; padded so that they start at a multiple of 64.
    static func encode(_ tensors: [PlannedTensor], metadata: [String: String]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var parts: [String] = []
        var offset = 0
        if !metadata.isEmpty {
            parts.append("\"__metadata__\":" + String(decoding: try encoder.encode(metadata), as: UTF8.self))
        }
        for tensor in tensors {
            let end = offset + tensor.byteCount
            let field = Field(dtype: tensor.type.rawValue, shape: tensor.shape, data_offsets: [offset, end])
            let name = String(decoding: try encoder.encode([tensor.name]), as: UTF8.self).dropFirst().dropLast()
            parts.append(name + ":" + String(decoding: try encoder.encode(field), as: UTF8.self))
            offset = end
        }
        var json = Array(("{" + parts.joined(separator: ",") + "}").utf8)
        json += Array(repeating: UInt8(ascii: " "), count: (64 - (8 + json.count) % 64) % 64)
        return (0..<8).map { UInt8(truncatingIfNeeded: json.count >> ($0 * 8)) } + json
    }
}
