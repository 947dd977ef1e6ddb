import GRDB
import Logging
import MoltServer
import MoltStore
import Synchronization
import Testing

/// What a loop cannot do is said once, and shown as long as it lasts.
struct TroubleTests {
    private final class Lines: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock { $0 } }
        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private struct Handler: LogHandler {
        let lines: Lines
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            lines.add("\(event.level) \(event.message) \(event.metadata?["error"].map { "\($0)" } ?? "")")
        }
    }

    private struct Failure: Error, CustomStringConvertible { let description: String }

    private func logger(_ lines: Lines) -> Logger { Logger(label: "test") { _ in Handler(lines: lines) } }

    @Test func aTroubleIsWrittenDownOncePerChange() async {
        let lines = Lines(), troubles = Troubles(logger: logger(lines))
        func attempt(_ failure: String?) async -> Int? {
            await troubles.watch("nothing can be read") {
                if let failure { throw Failure(description: failure) }
                return 1
            }
        }
        #expect(await attempt(nil) == 1)
        for failure in ["disk", "disk", "disk", "net", "net"] { #expect(await attempt(failure) == nil) }
        #expect(troubles.all == ["nothing can be read: net"])
        #expect(await attempt(nil) == 1)
        #expect(troubles.all.isEmpty)
        #expect(lines.all == [
            "error nothing can be read disk", "error nothing can be read net", "notice over: nothing can be read ",
        ])
    }

    @Test func anOutboxThatCannotBeReadIsNoQuietOutbox() async throws {
        let daemon = try TestDaemon(), lines = Lines()
        let troubles = Troubles(logger: logger(lines))
        let outbox = NotificationService(
            store: daemon.store, clock: daemon.clock, troubles: troubles, logger: logger(lines))
        try await daemon.store.writer.write { try $0.execute(sql: "ALTER TABLE notification RENAME TO lost") }
        for _ in 0..<3 { await outbox.deliverDue() }
        #expect(lines.all.count == 1 && lines.all[0].hasPrefix("error no notice can be sent"), "\(lines.all)")
        #expect(troubles.all.count == 1)
        try await daemon.store.writer.write { try $0.execute(sql: "ALTER TABLE lost RENAME TO notification") }
        await outbox.deliverDue()
        #expect(troubles.all.isEmpty && lines.all.count == 2)
    }
}
