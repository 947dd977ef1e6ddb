#if canImport(Glibc)
import Glibc
#endif

/// Copies bytes both ways between this program's standard streams and a unix socket until either side ends.
enum SocketRelay {
    static func run(to path: String) -> Bool {
        guard let descriptor = UnixSocket.connect(to: path) else { return false }
        defer { close(descriptor) }
        var inputIsOpen = true
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            var sources = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: inputIsOpen ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&sources, nfds_t(sources.count), -1) > 0 else {
                if errno == EINTR { continue }
                return true
            }
            if sources[0].revents != 0 {
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0, copy(buffer[0..<count], to: STDOUT_FILENO) else { return true }
            }
            if sources[1].revents != 0 {
                let count = read(STDIN_FILENO, &buffer, buffer.count)
                if count <= 0 {
                    inputIsOpen = false
                    shutdown(descriptor, Int32(SHUT_WR))
                } else if !copy(buffer[0..<count], to: descriptor) {
                    return true
                }
            }
        }
    }

    private static func copy(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
