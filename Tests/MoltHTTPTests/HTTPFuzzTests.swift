import MoltHTTP
import MoltTesting
import Synchronization
import Testing

/// Answers that no server should give: the client comes back in time, with an answer or an error.
@Suite(.serialized) struct HTTPFuzzTests {
    private static let answers = [
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"jobs\":[1,2,3]}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\nyou\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        "HTTP/1.0 500 Oh\r\nConnection: close\r\n\r\nbroken",
    ]
    private static let pieces = [
        "\r\n\r\n", "Content-Length: -1\r\n", "Content-Length: 99999999999999999999\r\n", "FFFFFFFFFFFFFFFF\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "HTTP/9.9 999\r\n", "Location: /x\r\n", "0\r\n\r\n",
        "Set-Cookie: " + String(repeating: "a", count: 9000),
    ]

    /// An earlier answer's headers were written to after they were gone (libcurl 7.88 and a handle that is used again).
    @Test func aFoldedFirstHeaderAfterAnotherAnswerDoesNoHarm() async throws {
        let folded = "HTTP/1.1 200 OK\r\n X-Folded: \(String(repeating: "a", count: 200))\r\nContent-Length: 0\r\n\r\n"
        let count = Mutex(0)
        let server = try SocketServer(closes: true) { _ in
            let number = count.withLock { value in
                value += 1
                return value
            }
            return number % 2 == 0 ? Array(folded.utf8) : SocketServer.http("200 OK", "fine")
        }
        defer { server.stop() }
        let client = HTTPClient()
        for _ in 0..<50 {
            let honest = try await client.send(HTTPRequest(.get, "/x", at: .socket(server.path), timeout: 5))
            #expect(honest.body.elementsEqual("fine".utf8))
            _ = try? await client.send(HTTPRequest(.get, "/x", at: .socket(server.path), timeout: 5))
        }
    }

    /// Covers N17.
    @Test func answers() async throws {
        let answer = Mutex<[UInt8]>([])
        let server = try SocketServer(closes: true) { _ in answer.withLock { $0 } }
        defer { server.stop() }
        let client = HTTPClient()
        let result = await Fuzz("HTTP answers", Self.answers, pieces: Self.pieces).hammer { bytes in
            answer.withLock { $0 = bytes }
            _ = try? await client.send(
                HTTPRequest(.get, "/x", at: .socket(server.path), timeout: 0.7, answerLimit: 1 << 16))
        }
        #expect(result.isFine(atLeast: 50), "\(result)")
        answer.withLock { $0 = SocketServer.http("200 OK", "still here") }
        let last = try await client.send(HTTPRequest(.get, "/x", at: .socket(server.path), timeout: 5))
        #expect(last.status == 200 && last.body.elementsEqual("still here".utf8))
    }
}
