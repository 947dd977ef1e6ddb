import MoltCheckpoint
import MoltCore

/// Writes what `torch.load` reads: a zip archive, members as they are, of a pickle and one storage for each tensor.
enum TorchFileWriter {
    /// - Parameter read: gives the contents of the tensor at an index; one is held at a time.
    static func write(
        _ root: PickleTree, _ tensors: [PlannedTensor], to path: String, read: (Int) throws -> [UInt8]
    ) throws {
        var file = try ZipWriter(OrderedFile(creating: path))
        try append(root, tensors, to: &file, read: read)
        try file.finish().close()
    }

    /// Appends such an archive to a file that may hold others; returns where it lies.
    static func append(
        _ root: PickleTree, _ tensors: [PlannedTensor], to file: inout OrderedFile, read: (Int) throws -> [UInt8]
    ) throws -> Range<Int> {
        let start = file.count
        var archive = ZipWriter(file)
        try append(root, tensors, to: &archive, read: read)
        file = try archive.finish()
        return start..<file.count
    }

    private static func append(
        _ root: PickleTree, _ tensors: [PlannedTensor], to file: inout ZipWriter, read: (Int) throws -> [UInt8]
    ) throws {
        try file.add("archive/data.pkl", PickleWriter(root, tensors: tensors).bytes)
        try file.add("archive/byteorder", Array("little".utf8))
        for (index, tensor) in tensors.enumerated() {
            let bytes = try read(index)
            precondition(bytes.count == tensor.byteCount, "\(tensor.name): \(bytes.count) bytes")
            try file.add("archive/data/\(index)", bytes)
        }
        try file.add("archive/version", Array("3\n".utf8))
    }
}

/// The members follow each other, then their table; numbers beyond 4 GB in zip64 fields. Storages begin at multiples of
/// 64 bytes, as torch aligns them.
struct ZipWriter {
    private var file: OrderedFile
    private let start: Int
    private var table: [UInt8] = []
    private var entries = 0

    init(_ file: OrderedFile) {
        self.file = file
        start = file.count
    }

    mutating func add(_ name: String, _ contents: [UInt8]) throws {
        let at = file.count - start
        let size = contents.count
        let isLarge = size >= 0xFFFF_FFFF
        let sizes =
            little(CRC32.of(contents), 4) + little(isLarge ? 0xFFFF_FFFF : size, 4)
            + little(isLarge ? 0xFFFF_FFFF : size, 4)
        let large = isLarge ? little(1, 2) + little(16, 2) + little(size, 8) + little(size, 8) : []
        let plain = at + 30 + name.utf8.count + large.count + 4
        let padding =
            little(0x4246, 2) + little((64 - plain % 64) % 64, 2)
            + [UInt8](repeating: 0x5A, count: (64 - plain % 64) % 64)
        let version = little(isLarge ? 45 : 20, 2) + little(0x800, 2) + little(0, 2) + little(0, 2) + little(0x21, 2)
        try file.append(
            [0x50, 0x4B, 3, 4] + version + sizes + little(name.utf8.count, 2) + little(large.count + padding.count, 2)
                + Array(name.utf8) + large + padding)
        try file.append(contents)
        let isFar = at >= 0xFFFF_FFFF
        var extra: [UInt8] = isLarge ? little(size, 8) + little(size, 8) : []
        if isFar { extra += little(at, 8) }
        if !extra.isEmpty { extra = little(1, 2) + little(extra.count, 2) + extra }
        table +=
            [0x50, 0x4B, 1, 2] + little(45, 2) + version + sizes + little(name.utf8.count, 2)
            + little(extra.count, 2) + little(0, 2) + little(0, 2) + little(0, 2) + little(0, 4)
            + little(isFar ? 0xFFFF_FFFF : at, 4) + Array(name.utf8) + extra
        entries += 1
    }

    /// Writes the table of contents.
    mutating func finish() throws -> OrderedFile {
        let at = file.count - start
        try file.append(table)
        if at >= 0xFFFF_FFFF || entries >= 0xFFFF {
            let end = file.count - start
            try file.append(
                [0x50, 0x4B, 6, 6] + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(entries, 8)
                    + little(entries, 8) + little(table.count, 8) + little(at, 8))
            try file.append([0x50, 0x4B, 6, 7] + little(0, 4) + little(end, 8) + little(1, 4))
        }
        let count = min(entries, 0xFFFF)
        try file.append(
            [0x50, 0x4B, 5, 6] + little(0, 4) + little(count, 2) + little(count, 2) + little(table.count, 4)
                + little(min(at, 0xFFFF_FFFF), 4) + little(0, 2))
        return file
    }

    private func little(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
}

/// The checksum of zip archives (polynomial 0xEDB88320), eight bytes at a time.
enum CRC32 {
    private static let tables: [[UInt32]] = {
        var tables = [
            (0..<256).map { (byte: UInt32) -> UInt32 in
                (0..<8).reduce(byte) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
            }
        ]
        for _ in 1..<8 {
            let last = tables[tables.count - 1]
            tables.append(last.map { tables[0][Int($0 & 0xFF)] ^ $0 >> 8 })
        }
        return tables
    }()

    static func of(_ bytes: [UInt8]) -> Int {
        var crc = UInt32.max
        var index = 0
        bytes.withUnsafeBytes { bytes in
            while index + 8 <= bytes.count {
                let word =
                    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
                crc = 0
                for place in 0..<8 { crc ^= tables[7 - place][Int(word >> (place * 8) & 0xFF)] }
                index += 8
            }
            while index < bytes.count {
                crc = tables[0][Int((crc ^ UInt32(bytes[index])) & 0xFF)] ^ crc >> 8
                index += 1
            }
        }
        return Int(crc ^ .max)
    }
}
