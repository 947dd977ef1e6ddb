import Dispatch
import MoltTesting
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Answers each connection on a unix socket with fixed bytes, and remembers what was asked.
final class SocketServer: Sendable {
    let path: String
    private let folder = TemporaryFolder("http")
    private let listener: Int32
    private let requests = Mutex<[String]>([])
    private let accepted = Mutex(0)

    private let closes: Bool

    /// - Parameters:
    ///   - closes: one answer for each connection.
    ///   - answer: bytes for a request; nil closes the connection without a word.
    init(closes: Bool = false, answer: @escaping @Sendable (String) -> [UInt8]?) throws {
        path = folder("s")
        self.closes = closes
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { [path] in $0.copyBytes(from: path.utf8) }
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { [listener] in
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 16) == 0 else { throw SetupFailed() }
        DispatchQueue(label: "server").async { [self] in
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                accepted.withLock { $0 += 1 }
                DispatchQueue.global().async { [self] in serve(connection, answer) }
            }
        }
    }

    struct SetupFailed: Error {}

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    var seen: [String] { requests.withLock { $0 } }
    var connections: Int { accepted.withLock { $0 } }

    private func serve(_ connection: Int32, _ answer: (String) -> [UInt8]?) {
        defer { close(connection) }
        while let request = read(connection) {
            requests.withLock { $0.append(request) }
            guard let bytes = answer(request) else { return }
            _ = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if closes { return }
        }
    }

    /// One request: the head, and as much body as it announces.
    private func read(_ connection: Int32) -> String? {
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let length = text[..<end.lowerBound].split(separator: "\r\n")
                    .first { $0.lowercased().hasPrefix("content-length:") }?
                    .split(separator: " ").last.flatMap { Int($0) }
                if text[end.upperBound...].utf8.count >= length ?? 0 { return text }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[0..<count]
        }
    }

    /// A whole HTTP/1.1 answer.
    static func http(_ status: String, _ body: String) -> [UInt8] {
        Array("HTTP/1.1 \(status)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }
}
