import Dispatch
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// A small HTTP server on the loopback: answers POSTs with the statuses that it was given and remembers the bodies.
package final class WebhookServer: Sendable {
    package let url: String
    private let listener: Int32
    private let statuses: [Int]
    private let received = Mutex<[String]>([])

    package struct SetupFailed: Error {}

    /// - Parameter statuses: one for each request, the last for all later ones; 0 never answers.
    package init(statuses: [Int] = [200]) throws {
        self.statuses = statuses
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isReady = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard isReady else { throw SetupFailed() }
        listener = descriptor
        url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/hook"
        DispatchQueue(label: "webhook").async { [self] in
            while case let connection = accept(listener, nil, nil), connection >= 0 {
                DispatchQueue.global().async { self.serve(connection) }
            }
        }
    }

    /// The bodies so far, in the order of their arrival.
    package var bodies: [String] { received.withLock { $0 } }

    package func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }

    /// One request a connection.
    private func serve(_ connection: Int32) {
        defer { close(connection) }
        guard let body = read(connection) else { return }
        let number = received.withLock { bodies in
            bodies.append(body)
            return bodies.count
        }
        let status = statuses.isEmpty ? 200 : statuses[min(number, statuses.count) - 1]
        guard status > 0 else {
            // Until the other side has had enough.
            var byte: UInt8 = 0
            _ = recv(connection, &byte, 1, 0)
            return
        }
        let answer = Array("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".utf8)
        _ = answer.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    }

    /// The body of one request: as much as its head announces.
    private func read(_ connection: Int32) -> String? {
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let end = text.firstRange(of: "\r\n\r\n") {
                let head = text[..<end.lowerBound].lowercased().split(separator: "\r\n")
                let length = head.first { $0.hasPrefix("content-length:") }?.split(separator: " ").last
                if text[end.upperBound...].utf8.count >= length.flatMap({ Int($0) }) ?? 0 {
                    return String(text[end.upperBound...])
                }
            }
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return nil }
            bytes += buffer[0..<count]
        }
    }
}
