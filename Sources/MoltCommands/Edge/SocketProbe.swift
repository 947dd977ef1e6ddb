#if canImport(Glibc)
import Glibc
#endif

/// Asks whether somebody listens on a unix socket, and whose it is, without speaking to it.
enum SocketProbe {
    enum Finding: Equatable {
        case listening
        /// No socket, or one that nobody serves.
        case silent
        case foreign(owner: UInt32)
        case pathTooLong
        case failed(code: Int32)
    }

    static func look(at path: String, userID: UInt32) -> Finding {
        var address = sockaddr_un()
        let capacity = MemoryLayout.size(ofValue: address.sun_path)
        guard path.utf8.count < capacity else { return .pathTooLong }
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT ? .silent : .failed(code: errno) }
        guard status.st_uid == userID else { return .foreign(owner: status.st_uid) }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .failed(code: errno) }
        defer { close(descriptor) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result == 0 { return .listening }
        return errno == ECONNREFUSED || errno == ENOENT ? .silent : .failed(code: errno)
    }
}
