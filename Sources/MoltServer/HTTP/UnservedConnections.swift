import HummingbirdCore
import Logging
import NIOCore
import Synchronization

/// HTTP/1.1 of which a connection may be let go unserved.
///
/// One that arrives while the server ends is dropped by it, and SwiftNIO ends the whole process when a channel is
/// dropped that nobody has finished.
struct UnservedConnections: ServerChildChannel {
    let http: HTTP1Channel

    final class Value: ServerChildChannelValue {
        fileprivate let connection: HTTP1Channel.Value
        private let isTaken = Mutex(false)

        init(_ connection: HTTP1Channel.Value) {
            self.connection = connection
        }

        deinit {
            guard !isTaken.withLock({ $0 }) else { return }
            // Finishes and closes it; whatever goes wrong, nobody waits for an answer here.
            Task { [connection] in try? await connection.executeThenClose { _, _ in } }
        }

        var channel: any Channel { connection.channel }

        fileprivate func take() -> HTTP1Channel.Value {
            isTaken.withLock { $0 = true }
            return connection
        }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        http.setup(channel: channel, logger: logger).map(Value.init)
    }

    func handle(value: Value, logger: Logger) async {
        await http.handle(value: value.take(), logger: logger)
    }
}
