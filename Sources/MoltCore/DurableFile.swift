package import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// A file operation that failed, with what the system said.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
    package let operation: String
    package let path: String
    package let code: Int32

    package init(_ operation: String, _ path: String, code: Int32 = errno) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    package var description: String { "cannot \(operation) \(path): \(String(cString: strerror(code)))" }
}

/// Small files that must be whole or absent whatever happens: temporary name, fsync, rename, fsync of the folder.
package enum DurableFile {
    /// Replaces `path` atomically. Permissions are 0600.
    package static func write(_ data: Data, to path: String) throws(FileError) {
        let temporary = path + ".tmp-\(getpid())-\(UInt32.random(in: .min ... .max))"
        do throws(FileError) {
            try create(temporary, data: data)
            guard rename(temporary, path) == 0 else { throw FileError("rename to", path) }
            try syncFolder(of: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// Creates `path` with its whole contents, or fails with EEXIST if it exists: the winner of a race is unique,
    /// and no reader ever sees part of it (`link` is atomic on network file systems too).
    package static func createExclusively(_ data: Data, at path: String) throws(FileError) {
        let temporary = path + ".tmp-\(getpid())-\(UInt32.random(in: .min ... .max))"
        defer { unlink(temporary) }
        try create(temporary, data: data)
        try give(temporary, theName: path)
        try syncFolder(of: path)
    }

    /// Adds a name to a file that has but one, or fails with EEXIST if another file has it.
    ///
    /// On a network file system the answer to `link` can get lost: the repeated request then finds the name taken, by
    /// ourselves. The file's number of names tells; opening it first makes the client ask the server.
    package static func give(_ temporary: String, theName path: String) throws(FileError) {
        if link(temporary, path) == 0 { return }
        let failure = FileError("create", path)
        guard failure.code == EEXIST else { throw failure }
        let descriptor = open(temporary, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_nlink == 2 else { throw failure }
    }

    package static func read(_ path: String, limit: Int = 64 << 20) throws(FileError) -> Data {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        var data = Data()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileError("read", path) }
            guard count > 0 else { return data }
            guard data.count + count <= limit else { throw FileError("read", path, code: EFBIG) }
            data.append(contentsOf: buffer[0..<count])
        }
    }

    package static func makeFolder(_ path: String) throws(FileError) {
        if mkdir(path, 0o700) == 0 { return }
        if errno == EEXIST { return }
        guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
            throw FileError("create folder", path)
        }
        try makeFolder(String(path[..<slash]))
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw FileError("create folder", path) }
    }

    package static func syncFolder(of path: String) throws(FileError) {
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open folder", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileError("sync folder", folder) }
    }

    private static func create(_ path: String, data: Data) throws(FileError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("create", path) }
        var closed = false
        defer { if !closed { close(descriptor) } }
        var offset = 0
        while offset < data.count {
            let written = data.withUnsafeBytes { bytes in
                Glibc.write(descriptor, bytes.baseAddress.map { $0 + offset }, data.count - offset)
            }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw FileError("write", path) }
            offset += written
        }
        guard fsync(descriptor) == 0 else { throw FileError("sync", path) }
        closed = true
        guard close(descriptor) == 0 else { throw FileError("close", path) }
    }
}

/// JSON on disk: sorted keys, so that equal values are equal bytes.
package enum JSONFile {
    package static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    package static func write(_ value: some Encodable, to path: String) throws {
        try DurableFile.write(encode(value), to: path)
    }

    package static func read<Value: Decodable>(_ type: Value.Type, from path: String) throws -> Value {
        try BoundedJSON().decode(type, from: DurableFile.read(path))
    }
}
