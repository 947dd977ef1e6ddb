import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// One open data file, read by position: nothing is mapped, so a file cut short under us is an error, not a SIGBUS.
final class DataFile {
    let path: String
    let size: Int
    private let descriptor: Int32

    init(path: String) throws(UserError) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw UserError("cannot open the data file: \(String(cString: strerror(errno)))", at: path)
        }
        self.descriptor = descriptor
        var status = stat()
        size = fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
        guard size > 0 else {
            throw UserError("the data file is empty", at: path, fix: "remove it from the recipe's data, or fill it")
        }
    }

    deinit { close(descriptor) }

    /// Exactly `count` bytes from `offset`.
    func read(at offset: Int, count: Int) throws(UserError) -> [UInt8] {
        var failure: Int32 = 0
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let got = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else {
                    failure = got < 0 ? errno : 0
                    break
                }
                filled += got
            }
            initialized = filled
        }
        guard filled == count else {
            let reason = failure == 0 ? "it became shorter while it was read" : String(cString: strerror(failure))
            throw UserError("cannot read \(count) bytes at \(offset): \(reason)", at: path)
        }
        return bytes
    }
}
