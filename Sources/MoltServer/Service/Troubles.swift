package import Logging
import Synchronization

/// What the daemon's loops cannot do for now. Each is written down when it begins, when it changes and when it is over,
/// not at every try.
package final class Troubles: Sendable {
    private let logger: Logger?
    private let known = Mutex<[String: String]>([:])

    package init(logger: Logger? = nil) {
        self.logger = logger
    }

    /// In words, for the daemon's status.
    package var all: [String] {
        known.withLock { known in known.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" } }
    }

    /// What `body` gives, or nil when it throws.
    ///
    /// - Parameter what: what cannot be done then, as in "no notice can be sent".
    package func watch<Value: Sendable>(_ what: String, _ body: () async throws -> Value) async -> Value? {
        do {
            let value = try await body()
            if known.withLock({ $0.removeValue(forKey: what) }) != nil { logger?.notice("over: \(what)") }
            return value
        } catch {
            let words = "\(error)"
            if known.withLock({ $0.updateValue(words, forKey: what) }) != words {
                logger?.error("\(what)", metadata: ["error": "\(words)"])
            }
            return nil
        }
    }
}
