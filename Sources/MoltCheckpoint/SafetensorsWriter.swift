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

/// A tensor that is still to be read: what a header says of it.
package struct PlannedTensor: Equatable, Sendable {
    package var name: String
    package var type: StoredType
    package var shape: [Int]

    package init(name: String, type: StoredType, shape: [Int]) {
        self.name = name
        self.type = type
        self.shape = shape
    }

    package var byteCount: Int { shape.reduce(type.bytes, *) }
}

package enum SafetensorsWriter {
    /// Creates `path` with the tensors in the given order.
    package static func write(
        _ tensors: [HostTensor], metadata: [String: String] = [:], to path: String
    ) throws -> CheckpointManifest.File {
        let plan = tensors.map { PlannedTensor(name: $0.name, type: $0.type, shape: $0.shape) }
        return try write(plan, metadata: metadata, to: path) { tensors[$0].bytes }
    }

    /// The same for tensors that are read one at a time, so that no more than one is held.
    /// - Parameter bytes: gives the contents of the tensor at an index of the plan.
    package static func write(
        _ plan: [PlannedTensor], metadata: [String: String] = [:], to path: String, bytes: (Int) throws -> [UInt8]
    ) throws -> CheckpointManifest.File {
        try write(plan, metadata: metadata, to: path) { index, add in try add(bytes(index)) }
    }

    /// The same for tensors that come in parts.
    /// - Parameter fill: hands over the contents of the tensor at an index, from the first byte to the last.
    package static func write(
        _ plan: [PlannedTensor], metadata: [String: String] = [:], to path: String,
        fill: (Int, (_ part: [UInt8]) throws -> Void) throws -> Void
    ) throws -> CheckpointManifest.File {
        var file = try HashingFile(creating: path)
        try file.append(SafetensorsHeader.encode(plan, metadata: metadata))
        for (index, tensor) in plan.enumerated() {
            var count = 0
            try fill(index) { part in
                count += part.count
                try file.append(part)
            }
            precondition(
                SafetensorsHeader.byteCount(tensor.type, tensor.shape) == count,
                "\(tensor.name): \(count) bytes do not fill \(tensor.type) \(tensor.shape)")
        }
        let (size, sha256) = try file.finish()
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return CheckpointManifest.File(name: name, bytes: size, sha256: sha256)
    }
}
