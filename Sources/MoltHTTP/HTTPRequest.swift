package import FoundationEssentials

/// Where a request goes.
package enum HTTPTarget: Hashable, Sendable {
    /// The daemon's socket; `path` of the request begins with a slash.
    case socket(String)
    /// `http://host[:port]` or `https://…`; the request's path is appended as it is.
    case origin(String)
}

package enum HTTPMethod: String, Sendable {
    case get = "GET"
    case post = "POST"
    case delete = "DELETE"
}

/// One request; every wait and every size in it is bounded.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    package var target: HTTPTarget
    package var path: String
    package var headers: [String]
    package var body: Data?
    /// Seconds for the whole exchange.
    package var timeout: Double
    package var connectTimeout: Double
    package var answerLimit: Int

    package init(
        _ method: HTTPMethod, _ path: String, at target: HTTPTarget, headers: [String] = [], body: Data? = nil,
        timeout: Double = HTTPLimits.seconds, connectTimeout: Double = HTTPLimits.connectSeconds,
        answerLimit: Int = HTTPLimits.answerBytes
    ) {
        self.method = method
        self.path = path
        self.target = target
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.answerLimit = answerLimit
    }
}

package struct HTTPAnswer: Sendable {
    package let status: Int
    package let body: Data

    package init(status: Int, body: Data) {
        self.status = status
        self.body = body
    }
}
