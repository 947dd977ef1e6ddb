import MoltReconcile
import Logging
import MoltStore
import ServiceLifecycle

/// Ends a daemon that nobody needs; the next command starts another.
struct IdleService: Service {
    let store: Store
    let service: RunService
    let clock: any DaemonClock
    /// Seconds; nil means never.
    let limit: Double?
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await clock.sleep(seconds: min(30, limit ?? 30))
                guard !Task.isCancelled, let limit else { continue }
                let isBusy = ((try? await store.read { try $0.countWatched() }) ?? 1) > 0
                guard !isBusy, clock.now() - service.lastUse > limit else { continue }
                logger.info("nothing to do; ending")
                await service.stopDaemon()
                return
            }
        }
    }
}
