package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Writes a new file in order, hashing what passes; durable once `finish` has returned.
struct HashingFile: ~Copyable {
    let path: String
    private let descriptor: Int32
    private var hash = FileHash()
    private var written = 0

    init(creating path: String) throws(FileError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("create", path) }
    }

    deinit { close(descriptor) }

    mutating func append(_ bytes: [UInt8]) throws(FileError) {
        var offset = 0
        while offset < bytes.count {
            let count = min(Limits.writeBytes, bytes.count - offset)
            let done = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress.map { $0 + offset }, count) }
            if done < 0, errno == EINTR { continue }
            guard done > 0 else { throw FileError("write", path, code: done == 0 ? EIO : errno) }
            bytes.withUnsafeBytes { hash.update(UnsafeRawBufferPointer(rebasing: $0[offset..<(offset + done)])) }
            offset += done
        }
        written += bytes.count
    }

    /// Flushes to the disk; network file systems report a full disk or quota only here.
    func finish() throws(FileError) -> (bytes: Int, sha256: String) {
        guard fsync(descriptor) == 0 else { throw FileError("sync", path) }
        return (written, hash.text())
    }
}

package enum SafetensorsWriter {
    /// Creates `path` with the tensors in the given order.
    package static func write(
        _ tensors: [HostTensor], metadata: [String: String] = [:], to path: String
    ) throws -> CheckpointManifest.File {
        for tensor in tensors {
            precondition(
                SafetensorsHeader.byteCount(tensor.type, tensor.shape) == tensor.bytes.count,
                "\(tensor.name): \(tensor.bytes.count) bytes do not fill \(tensor.type) \(tensor.shape)")
        }
        var file = try HashingFile(creating: path)
        try file.append(SafetensorsHeader.encode(tensors, metadata: metadata))
        for tensor in tensors { try file.append(tensor.bytes) }
        let (bytes, sha256) = try file.finish()
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return CheckpointManifest.File(name: name, bytes: bytes, sha256: sha256)
    }
}
