import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A part of a file that is read by position: the whole of it, a member of an archive, one tensor's bytes.
struct FileSlice {
    private final class Descriptor {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { close(number) }
    }

    /// The file, or how messages name what lies in it.
    private(set) var path: String
    /// Bytes of the file.
    private let range: Range<Int>
    private let descriptor: Descriptor

    init(path: String) throws(FileError) {
        // A pipe without a writer is refused below, and not waited for.
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw FileError("open", path) }
        descriptor = Descriptor(number)
        var status = stat()
        guard fstat(number, &status) == 0 else { throw FileError("inspect", path) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileError("read", path, code: EINVAL) }
        self.path = path
        range = 0..<Int(status.st_size)
    }

    private init(_ whole: FileSlice, _ range: Range<Int>) {
        (path, descriptor, self.range) = (whole.path, whole.descriptor, range)
    }

    var count: Int { range.count }

    /// The same part under another name in messages.
    func named(_ path: String) -> FileSlice {
        var slice = self
        slice.path = path
        return slice
    }

    /// Nil unless the part lies in this one.
    func slice(at offset: Int, count: Int) -> FileSlice? {
        guard offset >= 0, count >= 0, offset <= self.count, count <= self.count - offset else { return nil }
        let start = range.lowerBound + offset
        return FileSlice(self, start..<(start + count))
    }

    /// Throws where the part does not lie in this one.
    func read(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        guard let part = slice(at: offset, count: count) else { throw FileError("read", path, code: ENODATA) }
        var code: Int32 = 0
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let got = pread(
                    descriptor.number, buffer.baseAddress.map { $0 + filled }, count - filled,
                    off_t(part.range.lowerBound + filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    code = got < 0 ? errno : ENODATA
                    break
                }
                filled += got
            }
            initialized = filled
        }
        guard filled == count else { throw FileError("read", path, code: code) }
        return bytes
    }
}

/// Reads a slice from front to back, a block at a time.
struct ByteCursor {
    let slice: FileSlice
    /// Of the next byte.
    private(set) var position: Int
    private var block: [UInt8] = []
    private var blockStart = 0

    init(_ slice: FileSlice, at position: Int = 0) {
        self.slice = slice
        self.position = position
    }

    mutating func byte() throws(FileError) -> UInt8 {
        try fill(1)
        defer { position += 1 }
        return block[position - blockStart]
    }

    mutating func take(_ count: Int) throws(FileError) -> ArraySlice<UInt8> {
        try fill(count)
        defer { position += count }
        let start = position - blockStart
        return block[start..<(start + count)]
    }

    /// Little-endian.
    mutating func number(bytes: Int) throws(FileError) -> UInt64 {
        try take(bytes).reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Up to a line's end, which is passed.
    mutating func line(max: Int) throws(FileError) -> String {
        var text: [UInt8] = []
        while text.count < max {
            let byte = try byte()
            if byte == 0x0A { return String(decoding: text, as: UTF8.self) }
            text.append(byte)
        }
        throw FileError("read", slice.path, code: EMSGSIZE)
    }

    private mutating func fill(_ count: Int) throws(FileError) {
        guard position < blockStart || position + count > blockStart + block.count else { return }
        guard count <= slice.count - position else { throw FileError("read", slice.path, code: ENODATA) }
        block = try slice.read(
            at: position, count: min(slice.count - position, max(count, Limits.cursorBlockBytes)))
        blockStart = position
    }
}
