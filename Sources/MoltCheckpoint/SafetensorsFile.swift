package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// An open safetensors file, read by position into memory that the caller owns.
package final class SafetensorsFile {
    package let path: String
    package let header: SafetensorsHeader
    private let descriptor: Int32

    package init(path: String) throws {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError("open", path) }
        do {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileError("inspect", path) }
            let size = Int(status.st_size)
            let prefix = try Self.read(descriptor, path, at: 0, count: min(8, size))
            let length = try SafetensorsHeader.length(of: prefix, fileSize: size, path: path)
            let json = try Self.read(descriptor, path, at: 8, count: length)
            header = try SafetensorsHeader(parsing: json, fileSize: size, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    package func read(_ entry: SafetensorsHeader.Entry) throws(FileError) -> HostTensor {
        let bytes = try Self.read(descriptor, path, at: entry.range.lowerBound, count: entry.range.count)
        return HostTensor(name: entry.name, type: entry.type, shape: entry.shape, bytes: bytes)
    }

    private static func read(
        _ descriptor: Int32, _ path: String, at offset: Int, count: Int
    ) throws(FileError) -> [UInt8] {
        var code: Int32 = 0
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
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
