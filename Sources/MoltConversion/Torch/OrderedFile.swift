import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A new file that is written from front to back; durable once closed.
struct OrderedFile {
    private final class Descriptor {
        let number: Int32
        init(_ number: Int32) { self.number = number }
        deinit { Glibc.close(number) }
    }

    private let path: String
    private let descriptor: Descriptor
    private(set) var count = 0

    init(creating path: String) throws(FileError) {
        self.path = path
        let number = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard number >= 0 else { throw FileError("create", path) }
        descriptor = Descriptor(number)
    }

    mutating func append(_ bytes: [UInt8]) throws(FileError) {
        var offset = 0
        while offset < bytes.count {
            let part = min(Limits.writeBytes, bytes.count - offset)
            let done = bytes.withUnsafeBytes { write(descriptor.number, $0.baseAddress.map { $0 + offset }, part) }
            if done < 0, errno == EINTR { continue }
            guard done > 0 else { throw FileError("write", path, code: done == 0 ? EIO : errno) }
            offset += done
        }
        count += bytes.count
    }

    /// Puts other bytes where some lie already.
    func replace(_ bytes: [UInt8], at place: Int) throws(FileError) {
        precondition(place + bytes.count <= count)
        var offset = 0
        while offset < bytes.count {
            let done = bytes.withUnsafeBytes {
                pwrite(descriptor.number, $0.baseAddress.map { $0 + offset }, bytes.count - offset, place + offset)
            }
            if done < 0, errno == EINTR { continue }
            guard done > 0 else { throw FileError("write", path, code: done == 0 ? EIO : errno) }
            offset += done
        }
    }

    func close() throws(FileError) {
        guard fsync(descriptor.number) == 0 else { throw FileError("sync", path) }
    }
}
