import Logging
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltScheduler
import MoltStore

extension SiteReconciler {
    /// One look at the whole queue when it is due, else one at each job that is ending.
    func observe(_ runs: [WatchedRun]) async throws(StoreError) {
        let needing = runs.filter(\.needsLook)
        guard !needing.isEmpty else { return }
        let now = clock.now()
        if now >= look.nextAt {
            try await lookAtQueue(needing)
        } else if !watched.isEmpty {
            try await lookAtWatched(needing)
        }
    }

    private func lookAtQueue(_ runs: [WatchedRun]) async throws(StoreError) {
        // Asked first: the table is then this controller's, or that of one which started even later.
        let controller = await controllerOfOpenSubmissions(runs)
        let began = clock.now()
        let table: JobTable
        do throws(SchedulerError) {
            table = try await scheduler.loadJobs()
        } catch {
            noteOutage(error, at: clock.now())
            return
        }
        let ended = clock.now()
        look.count += 1
        look.lookedAt = began
        look.asOf = table.asOf
        look.seconds = ended - began
        look.error = nil
        look.failures = 0
        look.nextAt = ended + interval(cost: ended - began)
        let jobs = Dictionary(grouping: table.jobs.filter { $0.key != nil }) { $0.key }
        var events: [(RunID, LifecycleEvent)] = []
        for run in runs {
            guard let attempt = run.lifecycle.attempt else { continue }
            let evidence = try await evidence(for: run, attempt, jobs[attempt.key] ?? [])
            let event: LifecycleEvent
            if let status = await choose(jobs[attempt.key] ?? [], evidence, run) {
                event = .observed(JobObservation(status, asOf: table.asOf), evidence, at: ended)
            } else {
                let settle = SettleTime.seconds(
                    site: site.kind, failedAt: failedSends[attempt.key], controller: controller, asOf: table.asOf,
                    began: began)
                event = .notInQueue(evidence, lookedAt: began, settle: settle)
            }
            // Most of a long queue is as it was.
            if run.isChanged(by: event) { events.append((run.id, event)) }
        }
        try await record(events)
    }

    /// What the controller says of itself, when a submission is open whose call this daemon saw fail.
    private func controllerOfOpenSubmissions(_ runs: [WatchedRun]) async -> SchedulerConfiguration? {
        let open = runs.filter(\.isUnresolved).compactMap { $0.lifecycle.attempt?.key }
        failedSends = failedSends.filter { open.contains($0.key) }
        return failedSends.isEmpty ? nil : await configuration(maxAge: Limits.configurationAgeAtRelease)
    }

    private func lookAtWatched(_ runs: [WatchedRun]) async throws(StoreError) {
        var events: [(RunID, LifecycleEvent)] = []
        for run in runs {
            guard let job = run.lifecycle.job, watched.contains(job.id) else { continue }
            let status: JobStatus?
            do throws(SchedulerError) {
                status = try await scheduler.load(job.id)
            } catch {
                noteOutage(error, at: clock.now())
                return
            }
            // A job that is gone, or is somebody else's by now, is left to the next look at the whole queue.
            guard let status, status.key == job.key else { continue }
            let evidence = try await evidence(for: run, job.attempt, [status])
            let asOf = controllerClock()
            events.append((run.id, .observed(JobObservation(status, asOf: asOf), evidence, at: clock.now())))
        }
        try await record(events)
    }

    /// A lower bound of the scheduler's clock, from its last whole answer and what has passed since on ours.
    func controllerClock() -> Double {
        guard let asOf = look.asOf, let lookedAt = look.lookedAt, let seconds = look.seconds else { return clock.now() }
        return asOf + max(0, clock.now() - lookedAt - seconds)
    }

    private func noteOutage(_ error: SchedulerError, at now: Double) {
        if look.error == nil {
            logger.warning("the scheduler does not answer", metadata: ["site": "\(site.name)", "error": "\(error)"])
        }
        look.error = error.words
        look.failures += 1
        var pause = max(pollRange.lowerBound, 1)
        for _ in 0..<min(look.failures - 1, 6) { pause *= 2 }
        look.nextAt = now + min(pause, pollRange.upperBound)
    }

    var pollRange: ClosedRange<Double> {
        switch site.kind {
        case .local: return min(site.poll.min, Limits.localPoll)...max(min(site.poll.min, Limits.localPoll), 5)
        case .slurm: return site.poll.min...max(site.poll.min, site.poll.max)
        }
    }

    /// Dearer looks are made more rarely.
    private func interval(cost: Double) -> Double {
        min(max(cost / Limits.pollShare, pollRange.lowerBound), pollRange.upperBound)
    }

    private func evidence(
        for run: WatchedRun, _ attempt: RunLifecycle.Attempt, _ statuses: [JobStatus]
    ) async throws(StoreError) -> Evidence {
        let id = run.record.id
        // What is said about the end of a job weighs what it had saved.
        if statuses.allSatisfy({ $0.state != .running }) { try await readProgress(run) }
        let (row, saved) = try await store.read { snapshot in
            (try snapshot.attempt(id, attempt.number), try snapshot.run(run.id)?.committedStep)
        }
        let known = run.lifecycle.job?.incarnation.number ?? 0
        let newest = max(known, statuses.map(\.restartCount).max() ?? 0)
        let hasEnded = run.lifecycle.job != nil && (newest > known || statuses.allSatisfy(\.state.isTerminal))
        var result = evidence.read(
            run, attempt: attempt, incarnations: min(known, newest)...newest, ended: hasEnded ? known : nil,
            exitCodes: row?.exitCodes ?? [:], progress: saved, isPreemptible: await isPreemptible(run))
        if hasEnded { await addNodes(to: &result, of: run) }
        return result
    }

    /// Which nodes there are, and which of them are down: whether one is to blame depends on both.
    private func addNodes(to evidence: inout Evidence, of run: WatchedRun) async {
        guard let settings = await configuration(maxAge: Limits.configurationAgeAtEnd) else { return }
        let partition = settings.partitions.first { partition in
            run.record.partition.map { $0 == partition.name } ?? partition.isDefault
        }
        evidence.downNodes = Set(settings.nodes.filter { !$0.responds }.map(\.name))
        evidence.partitionNodes = site.kind == .slurm ? partition?.nodes : nil
        evidence.neededNodes = run.lifecycle.job?.incarnation.nodes.count ?? 1
    }

    private func isPreemptible(_ run: WatchedRun) async -> Bool {
        guard let settings = await configuration(maxAge: Limits.configurationAge) else { return false }
        let partition = settings.partitions.first { partition in
            run.record.partition.map { $0 == partition.name } ?? partition.isDefault
        }
        let mode = (partition?.preemptMode ?? settings.preemptMode).uppercased()
        return mode.contains("REQUEUE") || mode.contains("CANCEL")
    }

    /// Of several jobs with one key the one that holds the claim stays, else the oldest; the others are ended.
    private func choose(_ statuses: [JobStatus], _ evidence: Evidence, _ run: WatchedRun) async -> JobStatus? {
        let mine = statuses.sorted { $0.job < $1.job }
        guard mine.count > 1 else { return mine.first }
        let claimants = evidence.claims.filter { $0.key == mine[0].key }.map(\.jobID)
        let live = mine.filter { !$0.state.isTerminal }
        let keep = mine.first { claimants.contains($0.job) } ?? live.first ?? mine[0]
        for status in live where status.job != keep.job {
            guard let key = status.key, mayRepeat("duplicate \(status.job)", run.id, after: Limits.repeatAction) else {
                continue
            }
            logger.warning("ending a duplicate job", metadata: ["run": "\(run.id)", "job": "\(status.job)"])
            try? await scheduler.cancel(status.job, key: key)
        }
        return keep
    }

    func record(_ events: [(RunID, LifecycleEvent)]) async throws(StoreError) {
        guard !events.isEmpty else { return }
        let now = clock.now()
        let log = logger
        try await store.write { transaction in
            let recorder = RunRecorder(transaction: transaction, now: now)
            for (id, event) in events {
                do {
                    try recorder.handle(event, run: id)
                } catch let error as InvalidTransition {
                    log.error("an event does not fit", metadata: ["run": "\(id)", "error": "\(error)"])
                }
            }
        }
    }

    /// True, once in `seconds`, for the same request of the same run.
    func mayRepeat(_ step: String, _ run: RunID, after seconds: Double) -> Bool {
        let throttle = Throttle(run: run, step: step)
        let now = clock.now()
        if let next = throttles[throttle], now < next { return false }
        throttles[throttle] = now + seconds
        if throttles.count > 4096 { throttles = throttles.filter { $0.value > now } }
        return true
    }

    /// Reads what workers have appended to their event files.
    func readProgress(_ run: WatchedRun) async throws(StoreError) {
        guard reading.insert(run.id).inserted else { return }
        defer { reading.remove(run.id) }
        let id = run.record.id
        let offsets = try await store.read { snapshot in try snapshot.eventFiles(id) }
        let tail = EventTail.read(folder: run.folder.events, after: offsets)
        guard !tail.offsets.isEmpty else { return }
        let now = clock.now()
        try await store.write { transaction in
            guard var record = try transaction.snapshot.run(run.id) else { return }
            let isForeign = try transaction.snapshot.isForeign(record.id)
            let recorder = ProgressRecorder(recorder: RunRecorder(transaction: transaction, now: now))
            try recorder.apply(tail, to: &record, isForeign: isForeign)
        }
    }
}

extension SchedulerError {
    /// One line for people.
    var words: String {
        switch self {
        case .rejected(_, let message), .later(let message), .ambiguous(let message), .unavailable(let message),
            .notPermitted(let message), .wrongState(_, let message):
            message
        case .notFound(let job): "the scheduler does not know job \(job)"
        case .keyMismatch(let job): "job \(job) is not ours"
        }
    }
}

extension StoreSnapshot {
    /// True for `task: command`, whose program knows nothing of Molt's checkpoints.
    func isForeign(_ run: String) throws -> Bool {
        guard let frozen = try frozen(run) else { return false }
        return FrozenRecipe.isForeign(frozen.recipe)
    }
}
