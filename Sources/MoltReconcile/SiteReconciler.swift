package import Logging
package import MoltCore
import MoltLifecycle
package import MoltScheduler

/// One site's loop: observe, plan, act, record. Everything else only wakes it.
///
/// What it touches it touches through `Scheduler`, `RunLedger` and `DaemonClock`, so that a simulation runs this very
/// loop against a model of a cluster.
package actor SiteReconciler {
    let site: SiteManner
    let scheduler: any Scheduler
    let ledger: any RunLedger
    let clock: any DaemonClock
    let logger: Logger
    let newKey: @Sendable () -> AttemptKey

    var look = Look()
    var settings: KeptSettings?
    /// When a request may be made again.
    var throttles: [Throttle: Double] = [:]
    /// What the scheduler last refused for a run, as the user was told.
    var told: [RunID: String] = [:]
    /// What the jobs were like when they were sent or last seen.
    var shapes: [AttemptKey: JobShape] = [:]
    /// Jobs to look at one by one, soon.
    var watched: Set<UInt32> = []
    /// When the call of an open submission had ended without an answer.
    var failedSends: [AttemptKey: Double] = [:]

    /// For how long a request may still arrive because what it proved itself with lives longer than munge's
    /// credentials, counted from when it was sent.
    var proofLives: [AttemptKey: Double] = [:]
    /// How often in a row each attempt's submission was put off.
    var postponements: [AttemptKey: Int] = [:]

    /// Digits at the end of jobs' names that are of no key of ours.
    var foreignNames: Set<String> = []

    /// What an earlier daemon left has been looked through.
    private var hasTakenOver = false
    /// This turn has seen the whole queue.
    var hasLooked = false
    /// Runs of which the newest look showed a job of an attempt that is over, alive or not quite gone.
    var haunted: Set<RunID> = []
    /// Something waits for a look at the whole queue.
    var wantsLook = false

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
        /// What it showed; of an outage, what was seen before.
        var table: JobTable?
        var seconds: Double?
        var error: String?
        var nextAt: Double = 0
        var failures = 0
        /// Jobs in states that nobody here knows, and what Slurm called the last.
        var unknown: (count: Int, words: String?) = (0, nil)
    }

    package init(
        site: SiteManner, scheduler: any Scheduler, ledger: any RunLedger, clock: any DaemonClock, logger: Logger,
        newKey: @escaping @Sendable () -> AttemptKey = { AttemptKey.random() }
    ) {
        self.site = site
        self.scheduler = scheduler
        self.ledger = ledger
        self.clock = clock
        self.logger = logger
        self.newKey = newKey
    }

    /// One turn. Returns the seconds until the next one is due, or nil when nothing is active at this site.
    package func cycle() async throws(LedgerError) -> Double? {
        var runs = try await ledger.watched()
        hasLooked = false
        guard !runs.isEmpty else {
            watched = []
            told = [:]
            return nil
        }
        if postponements.count > runs.count {
            let current = Set(runs.compactMap { $0.lifecycle.attempt?.key })
            postponements = postponements.filter { current.contains($0.key) }
        }
        try await ledger.pass(.turnBegan)
        if try await doubt(runs) { runs = try await ledger.watched() }
        try await observe(runs)
        // Opening an attempt makes sending it due, so plan again until nothing new follows.
        for _ in 0..<3 {
            let current = try await ledger.watched()
            let steps = await plan(current)
            if !steps.isEmpty { try await ledger.pass(.planMade) }
            guard try await act(steps, current) else { break }
        }
        let rest = try await ledger.watched()
        return rest.isEmpty ? nil : delay(rest)
    }

    /// Reads what the workers of this site's runs have written; goes on while the scheduler is away. Returns how many
    /// runs were looked at.
    @discardableResult
    package func followProgress() async throws(LedgerError) -> Int {
        let runs = try await ledger.watched().filter(\.mayReport)
        try await ledger.readProgress(of: runs)
        return runs.count
    }

    /// Reads the next part of what a run's folder tells and the daemon's books do not; true while there may be more.
    package func catchUp(_ run: RunID) async throws(LedgerError) -> Bool { try await ledger.catchUp(run) }

    /// Turns follow each other, so what is still being sent at the start of one was sent by a daemon before this one,
    /// or its outcome could not be stored: it is unknown. In its first turn a daemon takes over every wait.
    private func doubt(_ runs: [TrackedRun]) async throws(LedgerError) -> Bool {
        let started = LifecycleEvent.daemonStarted(at: clock.now())
        let isFirst = !hasTakenOver
        hasTakenOver = true
        let ids = runs.filter { run in
            if case .submitting(_, .sending) = run.lifecycle.state { return true }
            return isFirst && run.isChanged(by: started)
        }.map(\.id)
        guard !ids.isEmpty else { return false }
        try await ledger.record(ids.map { ($0, started) })
        try await ledger.pass(.doubtRecorded)
        return true
    }

    private func plan(_ runs: [TrackedRun]) async -> [(id: RunID, step: Step)] {
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
        // While it does not answer, what it said last may be over: the job may have started and been put back again.
        let view = look.error != nil ? nil : look.asOf.map { _ in
            SchedulerView(asOf: controllerClock(), silentNodes: silent, killWait: killWait)
        }
        return runs.flatMap { run in Planner.steps(for: run.lifecycle, view: view, now: now).map { (run.id, $0) } }
    }

    /// The scheduler's settings, not older than `maxAge` seconds; nil while it cannot be asked.
    func configuration(maxAge: Double) async -> SchedulerConfiguration? {
        await keptSettings(maxAge: maxAge)?.value
    }

    func keptSettings(maxAge: Double) async -> KeptSettings? {
        let now = clock.now()
        if let settings, now - settings.at <= maxAge { return settings }
        do throws(SchedulerError) {
            let new = KeptSettings(try await scheduler.configuration(), at: now)
            settings = new
            return new
        } catch {
            logger.debug("no settings from the scheduler", metadata: ["site": "\(site.name)", "error": "\(error)"])
            return nil
        }
    }

    /// The same, for those who check a submission.
    package func settings(maxAge: Double) async -> SchedulerConfiguration? {
        await configuration(maxAge: maxAge)
    }

    private func delay(_ runs: [TrackedRun]) -> Double {
        let now = clock.now()
        var next = wantsLook || runs.contains(where: \.needsLook) ? look.nextAt : now + site.idle
        let earliest = wantsLook ? look.nextAt : -.infinity
        if !watched.isEmpty { next = min(next, now + Limits.watchInterval) }
        for run in runs {
            switch run.lifecycle.state {
            case .queued(let queued): next = min(next, max(queued.notBefore, earliest))
            case .submitting(_, .intent(_, let notBefore)): next = min(next, max(notBefore, earliest))
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

    /// The queue as it was seen last, and whether the next look is not due yet.
    package var queue: (table: JobTable, isCurrent: Bool)? {
        look.table.map { ($0, look.error == nil && clock.now() <= look.nextAt) }
    }

    /// Jobs that were in states which nobody here knows at the last look, and what Slurm called one of these.
    package var unknownStates: (count: Int, words: String?) { look.unknown }

    /// A wish or a new run: do not wait for the regular interval.
    package func hurry() {
        look.nextAt = min(look.nextAt, clock.now() + Limits.lookAfterAction)
    }
}
