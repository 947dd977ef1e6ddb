#if canImport(Glibc)
import Glibc
#endif

/// The few calls that unix sockets need, in one place.
enum UnixSocket {
    static let pathMax = 107

    /// A connected descriptor, or nil with `errno` set.
    static func connect(to path: String) -> Int32? {
        open(path) { Glibc.connect($0, $1, $2) }
    }

    /// A descriptor that accepts connections on a new socket; the folder's permissions guard it.
    static func listen(at path: String) -> Int32? {
        guard let descriptor = open(path, { bind($0, $1, $2) }) else { return nil }
        guard Glibc.listen(descriptor, 8) == 0 else {
            close(descriptor)
            return nil
        }
        return descriptor
    }

    private static func open(
        _ path: String, _ call: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32? {
        var address = sockaddr_un()
        guard path.utf8.count <= pathMax else {
            errno = ENAMETOOLONG
            return nil
        }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else {
            let code = errno
            close(descriptor)
            errno = code
            return nil
        }
        return descriptor
    }
}
