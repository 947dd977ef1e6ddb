package import FoundationEssentials

/// Sends HTTP requests over unix sockets and TCP, one at a time, on a thread of its own; connections are reused.
package actor HTTPClient {
    private let executor = CurlExecutor()
    private var handle: CurlHandle?

    package init() {}

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        executor.asUnownedSerialExecutor()
    }

    /// Waits for the whole answer. What may have an effect is never sent twice: only the caller knows whether that is
    /// safe.
    package func send(_ request: HTTPRequest) throws(HTTPError) -> HTTPAnswer {
        if handle == nil { handle = CurlHandle() }
        guard let handle else { throw .broken("libcurl cannot be initialised") }
        return try handle.perform(request)
    }

    /// POSTs JSON and expects a status of 200 to 299; anything else is `broken` with the status in its text.
    package func post(json: Data, to url: String, timeout: Double) throws(HTTPError) {
        let request = HTTPRequest(
            .post, "", at: .origin(url), headers: ["Content-Type: application/json"], body: json, timeout: timeout,
            answerLimit: 1 << 20)
        let answer = try send(request)
        guard (200..<300).contains(answer.status) else { throw .broken("the server answered \(answer.status)") }
    }
}
