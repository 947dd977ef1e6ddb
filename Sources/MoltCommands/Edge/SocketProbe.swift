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
        guard path.utf8.count <= UnixSocket.pathMax else { return .pathTooLong }
        var status = stat()
        guard lstat(path, &status) == 0 else { return errno == ENOENT ? .silent : .failed(code: errno) }
        guard status.st_uid == userID else { return .foreign(owner: status.st_uid) }
        if let descriptor = UnixSocket.connect(to: path) {
            close(descriptor)
            return .listening
        }
        return errno == ECONNREFUSED || errno == ENOENT ? .silent : .failed(code: errno)
    }
}
