/// Writes a tar archive (POSIX.1's ustar) from front to back; a member's size is put in once it is known.
struct TarWriter {
    private var file: OrderedFile

    init(_ file: OrderedFile) {
        self.file = file
    }

    mutating func add(folder name: String) throws {
        try file.append(Self.header("\(name)/", size: 0, type: "5", mode: 0o755))
    }

    mutating func add(_ name: String, _ contents: [UInt8]) throws {
        try add(name) { try $0.append(contents) }
    }

    /// - Parameters:
    ///   - name: at most 100 bytes.
    ///   - write: appends the contents.
    mutating func add(_ name: String, write: (inout OrderedFile) throws -> Void) throws {
        let start = file.count
        try file.append(Self.header(name, size: 0, type: "0", mode: 0o644))
        try write(&file)
        let size = file.count - start - TarHeader.bytes
        try file.replace(Self.header(name, size: size, type: "0", mode: 0o644), at: start)
        try file.append([UInt8](repeating: 0, count: (TarHeader.bytes - size % TarHeader.bytes) % TarHeader.bytes))
    }

    /// Marks the end.
    mutating func finish() throws -> OrderedFile {
        try file.append([UInt8](repeating: 0, count: 2 * TarHeader.bytes))
        return file
    }

    private static func header(_ name: String, size: Int, type: Character, mode: Int) -> [UInt8] {
        precondition(name.utf8.count <= 100, name)
        var header = [UInt8](repeating: 0, count: TarHeader.bytes)
        func put(_ bytes: [UInt8], at place: Int) {
            header.replaceSubrange(place..<(place + bytes.count), with: bytes)
        }
        put(Array(name.utf8), at: 0)
        for place in [108, 116, 136] { put(octal(0, place == 136 ? 11 : 7), at: place) }
        put(octal(mode, 7), at: 100)
        put(self.size(size), at: 124)
        put(Array(String(type).utf8), at: 156)
        put(Array("ustar\u{0}00".utf8), at: 257)
        // The sum is that of a header with blanks in its place.
        put([UInt8](repeating: UInt8(ascii: " "), count: 8), at: 148)
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + [0], at: 148)
        return header
    }

    /// Eleven octal digits, or from 8 GB on GNU's number in base 256, which Python and all of today's tools read.
    private static func size(_ size: Int) -> [UInt8] {
        guard size >= 1 << 33 else { return octal(size, 11) }
        return [0x80, 0, 0, 0] + (0..<8).reversed().map { UInt8(truncatingIfNeeded: size >> ($0 * 8)) }
    }

    private static func octal(_ number: Int, _ digits: Int) -> [UInt8] {
        let text = String(number, radix: 8)
        return Array((String(repeating: "0", count: max(0, digits - text.utf8.count)) + text).utf8)
    }
}
