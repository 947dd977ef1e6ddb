import FoundationEssentials
package import Logging
import MoltCore
import MoltLifecycle
package import MoltRecipe
package import MoltScheduler
package import MoltStore

/// One site's loop: observe, plan, act, record. Everything else only wakes it.
package actor SiteReconciler {
    let site: Site
    let scheduler: any Scheduler
    let store: Store
    let maker: any AttemptMaker
    let clock: any DaemonClock
    let logger: Logger
    let paths: DaemonPaths

    var evidence = EvidenceReader()
    var look = Look()
    /// The scheduler's settings and when they were asked for.
    var settings: (value: SchedulerConfiguration, at: Double)?
    /// When a request may be made again.
    var throttles: [Throttle: Double] = [:]
    /// What the scheduler last refused for a run, as the user was told.
    var told: [RunID: String] = [:]
    /// Jobs to look at one by one, soon.
    var watched: Set<UInt32> = []
    /// When the call of an open submission had ended without an answer.
    var failedSends: [AttemptKey: Double] = [:]
    /// The runs as they were last loaded: most have the same state again, which need not be unpacked anew.
    private var newest: [String: WatchedRun] = [:]
    /// Runs whose event files are being read just now.
    var reading: Set<RunID> = []

    struct Throttle: Hashable {
        var run: RunID
        var step: String
    }

    /// The newest look at the queue.
    struct Look {
        var count = 0
        var lookedAt: Double?
        /// The scheduler's clock then.
        var asOf: Double?
        var seconds: Double?
        var error: String?
        var nextAt: Double = 0
        var failures = 0
    }

    package init(
        site: Site, scheduler: any Scheduler, store: Store, maker: any AttemptMaker, clock: any DaemonClock,
        paths: DaemonPaths, logger: Logger
    ) {
        self.site = site
        self.scheduler = scheduler
        self.store = store
        self.maker = maker
        self.clock = clock
        self.paths = paths
        self.logger = logger
    }

    /// One turn. Returns the seconds until the next one is due, or nil when nothing is active at this site.
    package func cycle() async throws(StoreError) -> Double? {
        var runs = try await load()
        guard !runs.isEmpty else {
            watched = []
            told = [:]
            return nil
        }
        if try await doubt(runs) { runs = try await load() }
        try await observe(runs)
        // Opening an attempt makes sending it due, so plan again until nothing new follows.
        for _ in 0..<3 {
            let current = try await load()
            let steps = await plan(current)
            guard try await act(steps, current) else { break }
        }
        let rest = try await load()
        return rest.isEmpty ? nil : delay(rest)
    }

    /// Reads what the workers of this site's runs have written; goes on while the scheduler is away.
    package func followProgress() async throws(StoreError) {
        for run in try await load() where run.mayReport { try await readProgress(run) }
    }

    func load() async throws(StoreError) -> [WatchedRun] {
        let name = site.name
        let rows = try await store.read { snapshot in try snapshot.watched(site: name) }
        var unpacked: [String: WatchedRun] = [:]
        let runs = rows.compactMap { row -> WatchedRun? in
            do {
                let run = try newest[row.id]?.with(row) ?? WatchedRun(row)
                unpacked[row.id] = run
                return run
            } catch {
                logger.error("cannot read a run's state", metadata: ["run": "\(row.id)", "error": "\(error)"])
                return nil
            }
        }
        newest = unpacked
        return runs
    }

    /// Turns follow each other, so what is still being sent at the start of one was sent by a daemon before this one,
    /// or its outcome could not be stored: it is unknown.
    private func doubt(_ runs: [WatchedRun]) async throws(StoreError) -> Bool {
        let now = clock.now()
        let ids = runs.filter { run in
            if case .submitting(_, .sending) = run.lifecycle.state { true } else { false }
        }.map(\.id)
        guard !ids.isEmpty else { return false }
        try await store.write { transaction in
            let recorder = RunRecorder(transaction: transaction, now: now)
            for id in ids { try recorder.handle(.daemonStarted, run: id) }
        }
        return true
    }

    private func plan(_ runs: [WatchedRun]) async -> [(id: RunID, step: Step)] {
        let now = clock.now()
        let needsNodes = runs.contains { run in
            if case .cooldown(_, let cooldown) = run.lifecycle.state { return !cooldown.nodes.isEmpty }
            return false
        }
        var silent: Set<String>? = needsNodes ? nil : []
        if needsNodes, let settings = await configuration(maxAge: Limits.configurationAgeAtRelease) {
            silent = Set(settings.nodes.filter { !$0.responds }.map(\.name))
        }
        let killWait = settings?.value.killWait ?? LifecycleLimits.killWait
        let view = look.asOf.map { _ in
            SchedulerView(asOf: controllerClock(), silentNodes: silent, killWait: killWait)
        }
        return Planner.plan(stored: runs.map { ($0.id, $0.lifecycle) }, view: view, now: now)
    }

    /// The scheduler's settings, not older than `maxAge` seconds; nil while it cannot be asked.
    func configuration(maxAge: Double) async -> SchedulerConfiguration? {
        let now = clock.now()
        if let settings, now - settings.at <= maxAge { return settings.value }
        do throws(SchedulerError) {
            let value = try await scheduler.configuration()
            settings = (value, now)
            return value
        } catch {
            logger.debug("no settings from the scheduler", metadata: ["site": "\(site.name)", "error": "\(error)"])
            return nil
        }
    }

    /// The same, for those who check a submission.
    package func settings(maxAge: Double) async -> SchedulerConfiguration? {
        await configuration(maxAge: maxAge)
    }

    private func delay(_ runs: [WatchedRun]) -> Double {
        let now = clock.now()
        var next = runs.contains(where: \.needsLook) ? look.nextAt : now + site.poll.max
        if !watched.isEmpty { next = min(next, now + Limits.watchInterval) }
        for run in runs {
            switch run.lifecycle.state {
            case .queued(let queued): next = min(next, queued.notBefore)
            case .submitting(_, .intent(_, let notBefore)): next = min(next, notBefore)
            case .submitting, .submitted, .pending, .heldInQueue, .starting, .running, .suspended, .draining,
                .cooldown, .finishing, .missing, .closing, .held, .paused, .stuck, .finished, .failed, .cancelled:
                break
            }
        }
        return max(0.05, next - now)
    }

    /// What the daemon's status tells about this site.
    package var status: (look: Double?, seconds: Double?, error: String?, count: Int) {
        (look.lookedAt, look.seconds, look.error, look.count)
    }

    /// A wish or a new run: do not wait for the regular interval.
    package func hurry() {
        look.nextAt = min(look.nextAt, clock.now() + Limits.lookAfterAction)
    }
}

extension WatchedRun {
    /// True while nobody knows whether the submission arrived.
    var isUnresolved: Bool {
        if case .submitting(_, .unresolved) = lifecycle.state { return true }
        return false
    }

    /// False while none of its processes can be there to write anything.
    var mayReport: Bool {
        switch lifecycle.state {
        case .starting, .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing: true
        case .queued, .submitting, .submitted, .pending, .heldInQueue, .held, .paused, .stuck, .finished, .failed,
            .cancelled:
            false
        }
    }

    /// True when only the queue can tell what comes next.
    var needsLook: Bool {
        switch lifecycle.state {
        case .submitting(_, .sending), .submitting(_, .unresolved), .submitted, .pending, .heldInQueue, .starting,
            .running, .suspended, .draining, .cooldown, .finishing, .missing, .closing:
            true
        case .queued, .submitting(_, .intent), .held, .paused, .stuck, .finished, .failed, .cancelled: false
        }
    }
}
