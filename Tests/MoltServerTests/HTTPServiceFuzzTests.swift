import FoundationEssentials
import Logging
import MoltAPI
import MoltServer
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Requests that no client should send: the daemon answers the next honest one.
@Suite(.serialized) struct HTTPServiceFuzzTests {
    private static let requests = [
        "GET /v1/runs/abc/events?after=41 HTTP/1.1\r\nHost: molt\r\n\r\n",
        "POST /v1/runs/abc/hold HTTP/1.1\r\nHost: molt\r\nContent-Length: 2\r\n\r\n{}",
        "DELETE /v1/runs/abc HTTP/1.1\r\nHost: molt\r\n\r\n",
        "GET /v1/runs/abc/logs?attempt=2&rank=4&offset=5 HTTP/1.1\r\nHost: molt\r\n\r\nGET /v1/daemon HTTP/1.1\r\n\r\n",
    ]
    private static let pieces = [
        "\r\n\r\n", "%00", "%", "?after=-1&limit=99999999999", "/../", "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", "Expect: 100-continue\r\n", "HTTP/0.9",
        "Upgrade: websocket\r\n", "X: " + String(repeating: "a", count: 9000) + "\r\n",
    ]

    /// Covers N17.
    @Test func requests() async throws {
        let folder = TemporaryFolder("http"), socket = folder("s")
        let submission = try JSONEncoder().encode(
            SubmitRequest(
                recipe: #"{"name":"x"}"#, source: "x.yaml", site: "local", token: "t", workingDirectory: "/w",
                host: "h"))
        let head = "POST /v1/runs HTTP/1.1\r\nHost: molt\r\nContent-Length: \(submission.count)\r\n\r\n"
        let samples = Self.requests + [head + String(decoding: submission, as: UTF8.self)]
        let (ready, signal) = AsyncStream.makeStream(of: Void.self)
        let service = HTTPService(
            operations: FakeOperations(), socket: socket,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, userID: ProcessOwner.id,
            onListening: { signal.yield() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            for await _ in ready { break }
            let client = MoltClient(socket: socket, timeout: 5)
            let result = await Fuzz("HTTP requests", samples, pieces: Self.pieces).hammer { bytes in
                _ = try? await Testbed.offPool { send(bytes, to: socket) }
            }
            #expect(result.isFine(atLeast: 20), "\(result)")
            let honest = try await client.run("abc")
            #expect(honest.summary.id == "abc")
            group.cancelAll()
        }
    }
}

/// Sends what there is, says that no more comes, and listens for a moment.
private func send(_ bytes: [UInt8], to path: String) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let connected = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    guard connected == 0 else { return }
    _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    shutdown(descriptor, Int32(SHUT_WR))
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), buffer = [UInt8](repeating: 0, count: 4096)
    while poll(&entry, 1, 50) > 0, recv(descriptor, &buffer, buffer.count, 0) > 0 {}
}
