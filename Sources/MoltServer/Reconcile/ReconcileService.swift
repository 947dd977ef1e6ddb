import MoltReconcile
import Logging
import MoltStore
import ServiceLifecycle
import Synchronization

/// Runs the loops of every site that has something to do, each on its own, so that one that hangs delays no other.
struct ReconcileService: Service {
    let store: Store
    let sites: SiteDirectory
    let bell: WakeBell
    let clock: any DaemonClock
    let troubles: Troubles
    let logger: Logger
    private let ending = Flag()
    private let running = RunningSites()

    init(
        store: Store, sites: SiteDirectory, bell: WakeBell, clock: any DaemonClock, troubles: Troubles, logger: Logger
    ) {
        self.store = store
        self.troubles = troubles
        self.sites = sites
        self.bell = bell
        self.clock = clock
        self.logger = logger
    }

    func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { group in
                while !isEnding {
                    let seen = await bell.count
                    let names = await troubles.watch("it is not known which sites have runs") {
                        try await store.read { try $0.watchedSites() }
                    }
                    for name in names ?? [] {
                        guard await running.begin(name) else { continue }
                        group.addTask {
                            await follow(name)
                            await running.end(name)
                        }
                    }
                    await bell.wait(seconds: 5, seen: seen, clock: clock)
                }
            }
        } onGracefulShutdown: {
            ending.raise()
            Task { await bell.ring() }
        }
    }

    private var isEnding: Bool { ending.isRaised || Task.isCancelled }

    /// One site's loops until nothing is active there.
    private func follow(_ name: String) async {
        let reconciler: SiteReconciler
        do {
            reconciler = try await sites.reconciler(name)
        } catch {
            logger.error("a site cannot be used", metadata: ["site": "\(name)", "error": "\(error)"])
            await tell("site \(name) cannot be used: \(error)", runsOf: name)
            await bell.wait(seconds: 30, seen: await bell.count, clock: clock)
            return
        }
        let progress = Task {
            while !isEnding {
                var count = 0
                do {
                    count = try await reconciler.followProgress()
                } catch {
                    logger.error("cannot record progress", metadata: ["site": "\(name)", "error": "\(error)"])
                }
                // The more runs may have something to tell, the more rarely they are asked.
                let seconds = max(Limits.progressInterval, Double(count) * Limits.progressPerRun)
                try? await clock.sleep(seconds: min(seconds, Limits.progressIntervalMax))
            }
        }
        await takeTurns(reconciler, name)
        progress.cancel()
    }

    /// The runs of a site that cannot be used wait; this says for what.
    private func tell(_ message: String, runsOf site: String) async {
        do {
            try await store.write { transaction in
                for var record in try transaction.snapshot.watched(site: site) where record.pendingReason != message {
                    record.pendingReason = message
                    record.pendingCode = nil
                    try transaction.update(record)
                }
            }
        } catch {
            logger.error("cannot record it", metadata: ["site": "\(site)", "error": "\(error)"])
        }
    }

    private func takeTurns(_ reconciler: SiteReconciler, _ name: String) async {
        while !isEnding {
            let seen = await bell.count
            // A turn is never cancelled half way: what it sent must be recorded.
            let turn = Task { try await reconciler.cycle() }
            let delay: Double?
            do {
                delay = try await turn.value
            } catch {
                logger.error("a turn failed", metadata: ["site": "\(name)", "error": "\(error)"])
                delay = 5
            }
            guard let delay else { return }
            await bell.wait(seconds: delay, seen: seen, clock: clock)
        }
    }
}

private final class Flag: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }
    func raise() { raised.store(true, ordering: .relaxed) }
}

private actor RunningSites {
    private var names: Set<String> = []

    func begin(_ name: String) -> Bool { names.insert(name).inserted }
    func end(_ name: String) { names.remove(name) }
}
