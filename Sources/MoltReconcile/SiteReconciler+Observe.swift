import Logging
import MoltCore
import MoltLifecycle
package import MoltScheduler

extension SiteReconciler {
    /// One look at the whole queue when it is due, else one at each job that is ending.
    func observe(_ runs: [TrackedRun]) async throws(LedgerError) {
        let needing = runs.filter(\.needsLook)
        guard !needing.isEmpty || wantsLook else { return }
        let now = clock.now()
        if now >= look.nextAt {
            try await lookAtQueue(needing)
        } else if !watched.isEmpty {
            try await lookAtWatched(needing)
        }
    }

    private func lookAtQueue(_ runs: [TrackedRun]) async throws(LedgerError) {
        // Asked first: the table is then this controller's, or that of one which started even later.
        let controller = await controllerOfOpenSubmissions(runs)
        try await ledger.pass(.lookBegan)
        let began = clock.now()
        let table: JobTable
        do throws(SchedulerError) {
            table = try await scheduler.loadJobs()
        } catch {
            noteOutage(error, at: clock.now())
            return
        }
        let ended = clock.now()
        try await ledger.pass(.lookAnswered)
        let lastAsOf = look.asOf
        noteLook(asOf: table.asOf, began: began, ended: ended)
        look.table = table
        let regular = look.nextAt
        let jobs = JobsByAttempt(table.jobs)
        look.unknown = jobs.unknown
        let current = Set(runs.compactMap { $0.lifecycle.attempt?.key })
        try await endStrays(jobs, current)
        if shapes.count > current.count { shapes = shapes.filter { current.contains($0.key) } }
        var events: [(id: RunID, event: LifecycleEvent)] = [], absent: [Absence] = []
        for run in runs {
            guard let attempt = run.lifecycle.attempt else { continue }
            let statuses = statuses(of: run, attempt, in: jobs)
            let sights = statuses.compactMap { JobObservation($0, of: attempt.key, asOf: table.asOf) }
            guard sights.count == statuses.count else {
                try await noteUnknown(statuses, run)
                continue
            }
            if statuses.count == 1 {
                try await tellChanges(of: statuses[0], attempt, run)
                // Of a long queue this is nearly all, and its folders have nothing to tell.
                if run.lifecycle.waitsAsBefore(sights[0]) { continue }
            }
            let evidence = try await evidence(for: run, attempt, sights)
            try await ledger.pass(.evidenceRead)
            guard let seen = try await choose(sights, evidence, run) else {
                if try await takesBack(run, attempt) { continue }
                absent.append(Absence(run: run, key: attempt.key, evidence: evidence))
                continue
            }
            // Nobody looks at a run that is over: what lives beside it must be gone first.
            if haunted.contains(run.id), case .ended = seen.phase { continue }
            // Most of a long queue is as it was.
            let event = LifecycleEvent.observed(seen, evidence, at: ended)
            if run.isChanged(by: event) { events.append((run.id, event)) }
        }
        let loss = await massLoss(absent, of: runs, lastAsOf: lastAsOf, asOf: table.asOf, at: ended)
        events += absent.compactMap { absence in
            let settle = SettleTime.seconds(
                mayArriveLate: site.isCluster, failedAt: failedSends[absence.key], controller: controller,
                asOf: table.asOf, began: began, proofLife: proofLives[absence.key] ?? 0)
            let isForgotten = loss?.keys.contains(absence.key) ?? false
            return absence.event(with: isForgotten ? loss?.loss : nil, lookedAt: began, settle: settle)
        }
        if !events.isEmpty {
            try await ledger.record(events)
            try await ledger.pass(.lookRecorded)
        }
        // What we make of it costs, too: the machine is not ours alone. Whoever hurries meanwhile is heard.
        if look.nextAt == regular {
            look.nextAt = max(regular, ended + min((clock.now() - ended) / Limits.turnShare, pollRange.upperBound))
        }
    }

    private func noteLook(asOf: Double, began: Double, ended: Double) {
        look.count += 1
        look.lookedAt = began
        look.asOf = asOf
        look.seconds = ended - began
        look.error = nil
        look.failures = 0
        hasLooked = true
        wantsLook = false
        look.nextAt = ended + interval(cost: ended - began)
    }

    /// What the controller says of itself while a submission is open: lately, when this daemon saw its call fail, since
    /// a controller that started in between cannot have the request.
    private func controllerOfOpenSubmissions(_ runs: [TrackedRun]) async -> SchedulerConfiguration? {
        let unresolved = runs.filter(\.isUnresolved)
        let open = unresolved.compactMap { $0.lifecycle.attempt?.key }
        failedSends = failedSends.filter { open.contains($0.key) }
        proofLives = proofLives.filter { open.contains($0.key) }
        for run in unresolved {
            guard case .submitting(let attempt, .unresolved(let since, _)) = run.lifecycle.state,
                proofLives[attempt.key] == nil
            else { continue }
            await noteProof(attempt.key, since: since)
        }
        if open.isEmpty { return nil }
        return await configuration(
            maxAge: failedSends.isEmpty ? Limits.configurationAge : Limits.configurationAgeAtRelease)
    }

    private func lookAtWatched(_ runs: [TrackedRun]) async throws(LedgerError) {
        var events: [(id: RunID, event: LifecycleEvent)] = []
        for run in runs {
            guard let job = run.lifecycle.job, watched.contains(job.id), !haunted.contains(run.id) else { continue }
            let status: JobStatus?
            do throws(SchedulerError) {
                status = try await scheduler.load(job.id)
            } catch {
                noteOutage(error, at: clock.now())
                return
            }
            try await ledger.pass(.watchAnswered)
            // A job that is gone, or is somebody else's by now, is left to the next look at the whole queue.
            guard let status, status.carries(job.key),
                var seen = JobObservation(status, of: job.key, asOf: controllerClock())
            else { continue }
            let evidence = try await evidence(for: run, job.attempt, [seen])
            // What lies in the run folder was read after the answer, and may be newer.
            seen.asOf = controllerClock()
            events.append((run.id, .observed(seen, evidence, at: clock.now())))
        }
        guard !events.isEmpty else { return }
        try await ledger.record(events)
        try await ledger.pass(.watchRecorded)
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
        // However rarely the queue is looked at: that it can be had again is news for many.
        look.nextAt = now + min(pause, pollRange.upperBound, Limits.outagePauseMax)
    }

    var pollRange: ClosedRange<Double> { site.poll }

    /// Dearer looks are made more rarely.
    private func interval(cost: Double) -> Double {
        min(max(cost / Limits.pollShare, pollRange.lowerBound), pollRange.upperBound)
    }

    private func evidence(
        for run: TrackedRun, _ attempt: RunLifecycle.Attempt, _ sights: [JobObservation]
    ) async throws(LedgerError) -> Evidence {
        let job = run.lifecycle.job, known = job?.incarnation.number ?? 0
        let newest = sights.reduce(known) { max($0, $1.restartCount) }
        let hasEnded = job != nil && (newest > known || sights.allSatisfy(\.base.isTerminal))
        let settings = await keptSettings(maxAge: Limits.configurationAge)
        // What is said about the end of a job weighs what it had saved.
        var result = try await ledger.evidence(
            EvidenceQuestion(
                run: run, attempt: attempt, incarnations: known...newest, ended: hasEnded ? known : nil,
                readsProgress: sights.allSatisfy { $0.base != .running },
                isPreemptible: settings?.mayPreempt(in: run.partition) ?? false,
                isSuspended: sights.contains { $0.phase == .suspended }))
        if hasEnded { await addNodes(to: &result, of: run) }
        return result
    }

    /// Which nodes there are, and which of them are down: whether one is to blame depends on both.
    private func addNodes(to evidence: inout Evidence, of run: TrackedRun) async {
        guard let settings = await configuration(maxAge: Limits.configurationAgeAtEnd) else { return }
        let partition = settings.partitions.first { partition in
            run.partition.map { $0 == partition.name } ?? partition.isDefault
        }
        evidence.downNodes = Set(settings.nodes.filter { !$0.responds }.map(\.name))
        evidence.partitionNodes = site.isCluster ? partition?.nodes : nil
        evidence.neededNodes = run.lifecycle.job?.incarnation.nodes.count ?? 1
    }

    /// A job of an attempt that is over may live again: its end was the last thing that a dying controller forgot, or
    /// somebody put it back into the queue. The run has gone on without it, or is meant to do nothing any more.
    private func endStrays(
        _ jobs: JobsByAttempt, _ current: Set<AttemptKey>
    ) async throws(LedgerError) {
        let suspects = try await strays(among: jobs, current: current)
        haunted = []
        guard !suspects.isEmpty else { return }
        let over = try await ledger.over(suspects.map(\.key))
        haunted = Set(over.values)
        for (key, status) in suspects where !status.state.isTerminal {
            guard let run = over[key],
                mayRepeat("stray \(status.job)", run, after: Limits.repeatAction)
            else { continue }
            logger.warning(
                "ending a job of an attempt that is over", metadata: ["run": "\(run)", "job": "\(status.job)"])
            try? await scheduler.cancel(status.job, key: key)
            try await ledger.pass(.strayEnded)
        }
    }

    /// Slurm is newer than we are: the job is there, and what it does nobody here can say. All stays as it is.
    private func noteUnknown(_ statuses: [JobStatus], _ run: TrackedRun) async throws(LedgerError) {
        guard let status = statuses.first(where: { $0.state == .unknown }),
            mayRepeat("unknown state", run.id, after: Limits.repeatUnknown)
        else { return }
        try await ledger.note(
            "unknown-state",
            "Slurm says of job \(status.job): \(status.detail), which this Molt does not know; all stays as it is",
            about: run)
    }

    /// Of several jobs with one key only one stays; the others are ended, and no further attempt goes out before they
    /// have been seen to be gone.
    private func choose(
        _ seen: [JobObservation], _ evidence: Evidence, _ run: TrackedRun
    ) async throws(LedgerError) -> JobObservation? {
        guard let keep = DuplicateJobs.kept(seen, evidence, followed: run.lifecycle.job?.id) else { return nil }
        for other in seen where other.job != keep.job && (!other.base.isTerminal || other.flags.contains(.completing)) {
            haunted.insert(run.id)
            guard !other.base.isTerminal, let key = other.key,
                mayRepeat("duplicate \(other.job)", run.id, after: Limits.repeatAction)
            else { continue }
            logger.warning("ending a duplicate job", metadata: ["run": "\(run.id)", "job": "\(other.job)"])
            try? await scheduler.cancel(other.job, key: key)
            try await ledger.pass(.duplicateEnded)
        }
        return keep
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
}

extension SchedulerError {
    /// One line for people.
    package var words: String {
        switch self {
        case .rejected(_, let message), .later(let message), .ambiguous(let message), .unavailable(let message),
            .notPermitted(let message), .wrongState(_, let message):
            message
        case .notFound(let job): "the scheduler does not know job \(job)"
        case .keyMismatch(let job): "job \(job) is not ours"
        }
    }
}
