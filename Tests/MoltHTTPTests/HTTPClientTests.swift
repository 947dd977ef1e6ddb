import FoundationEssentials
import MoltHTTP
import Testing

struct HTTPClientTests {
    private func get(_ path: String, at socket: String, timeout: Double = 5, limit: Int = 1 << 20) -> HTTPRequest {
        HTTPRequest(.get, path, at: .socket(socket), timeout: timeout, answerLimit: limit)
    }

    @Test func aRequestIsAnsweredOverAUnixSocket() async throws {
        let server = try SocketServer { _ in SocketServer.http("200 OK", "hello") }
        defer { server.stop() }
        let answer = try await HTTPClient().send(get("/v1/x?y=1", at: server.path))
        #expect(answer.status == 200)
        #expect(String(decoding: answer.body, as: UTF8.self) == "hello")
        #expect(server.seen.first?.hasPrefix("GET /v1/x?y=1 HTTP/1.1\r\n") == true)
    }

    @Test func requestsInARowShareAConnection() async throws {
        let server = try SocketServer { _ in SocketServer.http("200 OK", "x") }
        defer { server.stop() }
        let client = HTTPClient()
        for _ in 0..<5 { _ = try await client.send(HTTPRequest(.get, "/a", at: .socket(server.path))) }
        #expect(server.seen.count == 5 && server.connections == 1)
    }

    @Test func aBodyIsPostedAsItIs() async throws {
        let server = try SocketServer { _ in SocketServer.http("201 Created", "") }
        defer { server.stop() }
        let body = #"{"text":"ü\n"}"#
        let answer = try await HTTPClient().send(
            HTTPRequest(
                .post, "/p", at: .socket(server.path), headers: ["Content-Type: application/json"],
                body: Data(body.utf8)))
        #expect(answer.status == 201)
        let request = try #require(server.seen.first)
        #expect(request.hasPrefix("POST /p") && request.hasSuffix(body))
        #expect(request.lowercased().contains("content-type: application/json"))
        #expect(!request.lowercased().contains("expect:"))
    }

    @Test func anEmptyBodyAndADeleteKeepTheirMethods() async throws {
        let server = try SocketServer { _ in SocketServer.http("204 No Content", "") }
        defer { server.stop() }
        let client = HTTPClient()
        _ = try await client.send(HTTPRequest(.post, "/a", at: .socket(server.path), body: Data()))
        _ = try await client.send(HTTPRequest(.delete, "/b", at: .socket(server.path)))
        _ = try await client.send(get("/c", at: server.path))
        let heads = server.seen.map { $0.prefix { $0 != "\r\n" } }
        #expect(heads == ["POST /a HTTP/1.1", "DELETE /b HTTP/1.1", "GET /c HTTP/1.1"])
    }

    @Test func anErrorStatusIsAnAnswer() async throws {
        let server = try SocketServer { _ in SocketServer.http("503 Service Unavailable", "later") }
        defer { server.stop() }
        #expect(try await HTTPClient().send(get("/", at: server.path)).status == 503)
    }

    @Test func aMissingSocketWasNeverReached() async throws {
        await #expect {
            try await HTTPClient().send(get("/", at: "/nonexistent/socket"))
        } throws: { error in
            guard let error = error as? HTTPError, case .cannotConnect = error else { return false }
            return error.wasNotSent
        }
    }

    @Test func aPathThatDoesNotFitIsNamed() async throws {
        let path = "/" + String(repeating: "x", count: 120)
        await #expect(throws: HTTPError.socketPathTooLong(path)) {
            try await HTTPClient().send(get("/", at: path))
        }
    }

    @Test func silenceEndsAtTheTimeout() async throws {
        let server = try SocketServer { _ in [] }
        defer { server.stop() }
        let clock = ContinuousClock(), start = clock.now
        await #expect(throws: HTTPError.timedOut(seconds: 0.2)) {
            try await HTTPClient().send(get("/", at: server.path, timeout: 0.2))
        }
        // Far below the 30 s that a request gets by default; other tests may hold the processor meanwhile.
        #expect(clock.now - start < .seconds(20))
    }

    @Test func anAnswerOverTheLimitIsCutOff() async throws {
        let server = try SocketServer { _ in SocketServer.http("200 OK", String(repeating: "x", count: 5000)) }
        defer { server.stop() }
        await #expect(throws: HTTPError.answerTooLarge(limit: 4999)) {
            try await HTTPClient().send(get("/", at: server.path, limit: 4999))
        }
        #expect(try await HTTPClient().send(get("/", at: server.path, limit: 5000)).body.count == 5000)
    }

    @Test func aConnectionThatBreaksMayHaveHadAnEffect() async throws {
        let server = try SocketServer { _ in nil }
        defer { server.stop() }
        await #expect {
            try await HTTPClient().send(get("/", at: server.path))
        } throws: { error in
            guard let error = error as? HTTPError, case .broken = error else { return false }
            return !error.wasNotSent
        }
    }

    /// libcurl sends again what got no answer on a connection that was used before.
    @Test(arguments: [HTTPMethod.post, .delete])
    func whatMayHaveHadAnEffectIsNotSentAgain(_ method: HTTPMethod) async throws {
        let server = try SocketServer { $0.hasPrefix("GET") ? SocketServer.http("200 OK", "x") : nil }
        defer { server.stop() }
        let client = HTTPClient()
        _ = try await client.send(get("/a", at: server.path))
        await #expect {
            try await client.send(HTTPRequest(method, "/b", at: .socket(server.path)))
        } throws: { error in
            (error as? HTTPError)?.wasNotSent == false
        }
        #expect(server.seen.count == 2)
    }

    @Test(arguments: ["ftp://example.org", "example.org", "", "file:///etc/passwd"])
    func onlyHTTPIsSpoken(_ origin: String) async throws {
        await #expect(throws: HTTPError.invalidAddress(origin)) {
            try await HTTPClient().send(HTTPRequest(.get, "", at: .origin(origin)))
        }
    }

    @Test func oneClientServesManyAtOnceOneAfterTheOther() async throws {
        let server = try SocketServer { request in
            SocketServer.http("200 OK", String(request.split(separator: " ")[1].dropFirst()))
        }
        defer { server.stop() }
        let client = HTTPClient(), path = server.path
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...50 {
                group.addTask {
                    let answer = try await client.send(HTTPRequest(.get, "/\(number)", at: .socket(path)))
                    return Int(String(decoding: answer.body, as: UTF8.self)) ?? 0
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 1275)
    }
}
