import FoundationEssentials
package import Logging
import MoltCore
import MoltHTTP
import MoltRecipe
package import MoltReconcile
package import MoltStore
import ServiceLifecycle
import Synchronization

/// Delivers what the loops have put into the outbox: at least once, with a bounded number of tries.
package final class NotificationService: Service {
    private let store: Store
    private let clock: any DaemonClock
    private let troubles: Troubles
    private let logger: Logger
    /// Seconds that a command or a webhook gets.
    private let patience: Double
    private let http = HTTPClient()
    /// What has been delivered one way while the other is still tried.
    private let taken = Mutex<Set<Delivery>>([])

    private enum Way: CaseIterable { case command, webhook }

    private struct Delivery: Hashable {
        var number: Int64
        var way: Way
    }

    package init(
        store: Store, clock: any DaemonClock, troubles: Troubles = Troubles(), logger: Logger,
        patience: Double = Limits.notificationSeconds
    ) {
        self.troubles = troubles
        self.store = store
        self.clock = clock
        self.logger = logger
        self.patience = patience
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.deliverDue()
                try? await self.clock.sleep(seconds: 1)
            }
        }
    }

    /// One look at the outbox.
    package func deliverDue() async {
        let now = clock.now()
        let due = await troubles.watch("no notice can be sent") {
            try await store.read { snapshot in
                try snapshot.dueNotifications(now: now, limit: Limits.notificationsAtOnce)
            }
        }
        for notification in due ?? [] {
            do {
                try await deliver(notification)
            } catch {
                logger.error("cannot note a delivery", metadata: ["error": "\(error)"])
            }
        }
    }

    private func deliver(_ notification: NotificationRecord) async throws {
        let found = try await store.read { snapshot in
            guard let id = RunID(rawValue: notification.run), let run = try snapshot.run(id),
                let frozen = try snapshot.frozen(notification.run)
            else { return nil as (RunRecord, FrozenRecord)? }
            return (run, frozen)
        }
        guard let (run, frozen) = found else { return }
        var next = notification
        next.tries += 1
        do {
            let recipe = try FrozenRecipe.decode(frozen.recipe), section = recipe.notify
            if section.on.map(\.rawValue).contains(notification.occasion) {
                try await send(
                    NotificationMessage(notification, run), section,
                    from: recipe.workingDirectory ?? frozen.workingDirectory, number: notification.id ?? 0)
                try Failpoints.pass(.notified)
            }
            next.deliveredAt = clock.now()
            next.failure = nil
        } catch {
            next.failure = "\(error)"
            var pause = Limits.notificationBackOff
            for _ in 1..<max(1, next.tries) { pause *= 2 }
            next.nextAt = clock.now() + min(pause, 3600)
            if next.tries >= Limits.notificationTries { next.deliveredAt = clock.now() }
            logger.warning(
                "a notification was not delivered",
                metadata: ["run": "\(run.id)", "try": "\(next.tries)", "error": "\(error)"])
        }
        let result = next
        if result.deliveredAt != nil { taken.withLock { $0 = $0.filter { $0.number != result.id } } }
        let now = clock.now()
        let isGivenUp = result.failure != nil && result.deliveredAt != nil
        try await store.write { transaction in
            try transaction.update(result)
            try Failpoints.pass(.notificationRecorded)
            guard isGivenUp else { return }
            try RunRecorder(transaction: transaction, now: now).note(
                "notify-failed",
                "the notification '\(result.occasion)' could not be delivered: \(result.failure ?? "")",
                run: result.run)
        }
    }

    /// Neither way waits for the other; one that has taken the message is not used again when the other failed.
    /// - Parameter folder: where the command runs, as its user has seen and agreed to it there.
    private func send(
        _ message: NotificationMessage, _ section: NotifySection, from folder: String, number: Int64
    ) async throws {
        let body = try JSONFile.encode(message)
        var failure: (any Error)?
        for way in Way.allCases where !taken.withLock({ $0.contains(Delivery(number: number, way: way)) }) {
            do {
                switch way {
                case .command:
                    guard let command = section.command else { continue }
                    try await NotifyCommand.execute(command, in: folder, input: body, patience: patience)
                case .webhook:
                    guard let webhook = section.webhook else { continue }
                    try await http.post(json: body, to: Self.address(webhook), timeout: patience)
                }
                _ = taken.withLock { $0.insert(Delivery(number: number, way: way)) }
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// A secret address is read when it is needed, and named in no message.
    private static func address(_ text: String) throws(UserError) -> String {
        guard let reference = SecretReference(text) else { return text }
        let address = try reference.read(home: Paths.home)
        guard address.hasPrefix("https://") || address.hasPrefix("http://") else {
            throw UserError("the secret '\(reference.name)' is not a web address")
        }
        return address
    }
}
