package import Logging
import MoltCore
package import MoltReconcile
import MoltScheduler
import MoltStore
import ServiceLifecycle

/// Reads the folders of runs that the store was missing, finished ones included, while the daemon serves: their starts,
/// steps, losses and checkpoints come back. What is left when it ends is read by the next.
package struct CatchUp: Sendable {
    private let service: RunService
    private let clock: any DaemonClock
    private let logger: Logger

    package init(service: RunService, clock: any DaemonClock, logger: Logger) {
        self.service = service
        self.clock = clock
        self.logger = logger
    }

    /// Returns how many runs are left to be read.
    @discardableResult
    package func pass() async throws -> Int {
        let runs = try await service.store.read { try $0.runs(withEventFile: EventTail.behind) }
        var left = runs.count
        for (id, site) in runs {
            do {
                try await read(id, site)
                left -= 1
            } catch {
                try Task.checkCancellation()
                logger.error("cannot read what a run has done", metadata: ["run": "\(id)", "error": "\(error)"])
            }
        }
        if runs.count > left { logger.info("read what runs have done", metadata: ["runs": "\(runs.count - left)"]) }
        return left
    }

    private func read(_ run: String, _ site: String) async throws {
        guard let id = RunID(rawValue: run) else { throw UserError("'\(DisplayText.escaped(run))' is no run id") }
        let reconciler = try await service.sites.reconciler(site)
        var began = MonotonicTime.now()
        while try await reconciler.catchUp(id) {
            // The loop wants to read, too.
            let took = MonotonicTime.now() - began
            try await clock.sleep(seconds: min(max(took, 0.001), Limits.catchUpPause))
            began = MonotonicTime.now()
        }
    }
}

struct CatchUpService: Service {
    let work: CatchUp
    let clock: any DaemonClock
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await work.pass()
                } catch {
                    if !Task.isCancelled {
                        logger.error("cannot look for runs to read", metadata: ["error": "\(error)"])
                    }
                }
                try? await clock.sleep(seconds: Limits.catchUpInterval)
            }
        }
    }
}
