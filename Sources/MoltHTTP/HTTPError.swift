/// How an exchange failed before there was an answer. A status like 404 is an answer, not an error.
package enum HTTPError: Error, Equatable, Sendable, CustomStringConvertible {
    case socketPathTooLong(String)
    case invalidAddress(String)
    /// Nothing was sent. `code` is the system's errno, or 0.
    case cannotConnect(String, code: Int32)
    /// The request may have taken effect.
    case timedOut(seconds: Double)
    case answerTooLarge(limit: Int)
    /// Certificates or the handshake.
    case secureChannel(String)
    /// The connection broke; the request may have taken effect.
    case broken(String)

    package var description: String {
        switch self {
        case .socketPathTooLong(let path):
            "the socket's path has \(path.utf8.count) bytes, more than \(HTTPLimits.socketPathBytes): \(path)"
        case .invalidAddress(let address): "'\(address)' is not an address for HTTP"
        case .cannotConnect(let reason, _): reason
        case .timedOut(let seconds): "no answer within \(seconds) s"
        case .answerTooLarge(let limit): "the answer is larger than \(limit) bytes"
        case .secureChannel(let reason): reason
        case .broken(let reason): reason
        }
    }

    /// True when the request certainly had no effect.
    package var wasNotSent: Bool {
        switch self {
        case .socketPathTooLong, .invalidAddress, .cannotConnect, .secureChannel: true
        case .timedOut, .answerTooLarge, .broken: false
        }
    }
}
