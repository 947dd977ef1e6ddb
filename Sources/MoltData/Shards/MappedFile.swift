import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The bytes of a file, mapped: ranks on one node share what the system caches of it.
///
/// For files of our own formats, whose size is checked against their header; a file that somebody cuts short while it
/// is mapped ends the program.
final class MappedFile {
    let path: String
    let bytes: UnsafeRawBufferPointer

    init(path: String) throws(UserError) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw UserError("cannot open the file: \(String(cString: strerror(errno)))", at: path)
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else {
            throw UserError("the file is empty, or is no regular file", at: path)
        }
        let size = Int(status.st_size)
        guard let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED else {
            throw UserError("cannot map the file: \(String(cString: strerror(errno)))", at: path)
        }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count) }

    /// A little-endian number, wherever it lies.
    func load<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
        Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
    }
}

/// A new file, written in large pieces; what it holds counts only after `finish` and under the name it gets then.
final class OutputFile {
    let path: String
    private(set) var position = 0
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isOpen = true

    /// - Parameter permissions: before the umask; of what is made to be handed on, all of 0666.
    init(path: String, permissions: mode_t = 0o600) throws(FileError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, permissions)
        guard descriptor >= 0 else { throw FileError("create", path) }
        buffer.reserveCapacity(Limits.blockBytes)
    }

    deinit {
        if isOpen { close(descriptor) }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(FileError) {
        position += bytes.count
        if buffer.count + bytes.count > Limits.blockBytes { try flush() }
        if bytes.count >= Limits.blockBytes {
            try Self.writeAll(bytes, to: descriptor, path)
        } else {
            buffer.append(contentsOf: bytes)
        }
    }

    func write(numbers: [some FixedWidthInteger]) throws(FileError) {
        let ordered = numbers.map(\.littleEndian)
        try ordered.withUnsafeBufferPointer { (all) throws(FileError) in try write(UnsafeRawBufferPointer(all)) }
    }

    func write(_ bytes: [UInt8]) throws(FileError) {
        try bytes.withUnsafeBufferPointer { (all) throws(FileError) in try write(UnsafeRawBufferPointer(all)) }
    }

    /// Zeros up to the next multiple of eight.
    func align() throws(FileError) {
        try write([UInt8](repeating: 0, count: -position & 7))
    }

    /// Writes the last bytes, puts `header` over the first ones and makes all of it durable.
    func finish(header: [UInt8] = []) throws(FileError) {
        try flush()
        if !header.isEmpty {
            let written = header.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
            guard written == header.count else { throw FileError("write", path) }
        }
        guard fsync(descriptor) == 0 else { throw FileError("sync", path) }
        isOpen = false
        guard close(descriptor) == 0 else { throw FileError("close", path) }
    }

    /// Gives the finished file its name, in the place of whatever had it.
    func commit(as name: String) throws(FileError) {
        precondition(!isOpen, "a file is finished before it is committed")
        guard rename(path, name) == 0 else { throw FileError("rename to", name) }
    }

    private func flush() throws(FileError) {
        let pending = buffer
        buffer.removeAll(keepingCapacity: true)
        try pending.withUnsafeBufferPointer { (all) throws(FileError) in
            try Self.writeAll(UnsafeRawBufferPointer(all), to: descriptor, path)
        }
        if buffer.capacity < Limits.blockBytes { buffer.reserveCapacity(Limits.blockBytes) }
    }

    private static func writeAll(
        _ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String
    ) throws(FileError) {
        var offset = 0
        while offset < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, bytes.count - offset)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileError("write", path) }
            offset += count
        }
    }
}
