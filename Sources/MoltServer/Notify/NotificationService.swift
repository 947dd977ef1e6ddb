import FoundationEssentials
import Logging
import MoltCore
import MoltHTTP
import MoltRecipe
import MoltStore
import ServiceLifecycle
import Subprocess

/// Delivers what the loops have put into the outbox: at least once, with a bounded number of tries.
struct NotificationService: Service {
    let store: Store
    let clock: any DaemonClock
    let logger: Logger
    let http = HTTPClient()

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await deliverDue()
                try? await clock.sleep(seconds: 1)
            }
        }
    }

    func deliverDue() async {
        let now = clock.now()
        let due = (try? await store.read { snapshot in
            try snapshot.dueNotifications(now: now, limit: Limits.notificationsAtOnce)
        }) ?? []
        for notification in due {
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
            else { return nil as (RunRecord, String)? }
            return (run, frozen.recipe)
        }
        guard let (run, text) = found else { return }
        var next = notification
        next.tries += 1
        do {
            let section = try FrozenRecipe.decode(text).notify
            if section.on.map(\.rawValue).contains(notification.occasion) {
                try await send(NotificationMessage(notification, run), section)
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
        let now = clock.now()
        let isGivenUp = result.failure != nil && result.deliveredAt != nil
        try await store.write { transaction in
            try transaction.update(result)
            guard isGivenUp else { return }
            try RunRecorder(transaction: transaction, now: now).note(
                "notify-failed",
                "the notification '\(result.occasion)' could not be delivered: \(result.failure ?? "")",
                run: result.run)
        }
    }

    private func send(_ message: NotificationMessage, _ section: NotifySection) async throws {
        let body = try JSONFile.encode(message)
        if let command = section.command, let program = command.first {
            try await execute(program, Array(command.dropFirst()), input: body)
        }
        if let webhook = section.webhook {
            try await http.post(json: body, to: webhook, timeout: Limits.notificationSeconds)
        }
    }

    /// Executed without a shell; the message is its standard input.
    private func execute(_ program: String, _ arguments: [String], input: Data) async throws {
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(1))]
        let platform = options
        let status = try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
            group.addTask {
                try await Subprocess.run(
                    .name("env"), arguments: Arguments(["--", program] + arguments), platformOptions: platform,
                    input: .array([UInt8](input)), output: .discarded, error: .discarded
                ).terminationStatus
            }
            group.addTask {
                try await Task.sleep(for: .seconds(Limits.notificationSeconds))
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let status else { throw UserError("'\(program)' did not end in \(Int(Limits.notificationSeconds)) s") }
        guard status.isSuccess else { throw UserError("'\(program)' ended with \(status)") }
    }
}
