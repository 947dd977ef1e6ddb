package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltStore
import Synchronization

// Everything told here was recorded when it happened, or seen at the loop's last look: asking why again and again is no
// load for the scheduler.
extension RunService {
    package func explain(_ reference: String) async throws(APIError) -> RunExplanation {
        let (record, rows, incarnations, exclusions, frozen, slow) = try await read { snapshot in
            let run = try self.find(reference, in: snapshot)
            return (
                run, try snapshot.latestEvents(run.id, kinds: Self.endKinds, limit: Limits.explainedEvents),
                try snapshot.incarnations(run.id), try snapshot.exclusions(run.id), try snapshot.frozen(run.id),
                try SlowRanks.sentence(run, in: snapshot)
            )
        }
        let run: WatchedRun
        do {
            run = try WatchedRun(record)
        } catch {
            throw APIError(.internalError, "the run's state cannot be read: \(error)", fix: "see moltd.log")
        }
        var result = RunExplanation(
            id: record.id, name: record.name, state: record.state, site: record.site, attempt: record.attempt,
            next: run.lifecycle.next, now: clock.now())
        result.step = record.step
        result.slow = slow
        result.ends = Self.ends(rows, incarnations)
        result.leftOut = Self.leftOut(exclusions, run.lifecycle)
        result.suggestions = try await suggestions(exclusions)
        await addView(to: &result, run)
        if let reason = record.pendingReason ?? run.lifecycle.waiting?.words {
            result.waiting = await waiting(reason, run, frozen, outage: result.outage)
        }
        return result
    }

    // MARK: - Why it ended

    private static let endKinds = Cause.allCases.map { $0 == .done ? "done" : $0.rawValue } + ["decision"]

    private static func ends(_ rows: [EventRecord], _ incarnations: [IncarnationRecord]) -> [RunExplanation.End] {
        var ends: [RunExplanation.End] = []
        for row in rows {
            if row.kind == "decision" {
                guard let last = ends.indices.last, ends[last].decision == nil else { continue }
                ends[last].decision = row.message
                continue
            }
            // Some words also stand for what the user did to the run, without an attempt.
            guard row.incarnation != nil || row.kind == Cause.launchFailed.rawValue else { continue }
            let cause = row.kind == "done" ? Cause.done : Cause(rawValue: row.kind)
            var end = RunExplanation.End(
                at: row.at, cause: cause?.rawValue ?? row.kind, words: cause?.words ?? row.kind, reason: row.message)
            end.attempt = row.attempt
            end.incarnation = row.incarnation
            let record = incarnations.first { $0.attempt == row.attempt && $0.number == row.incarnation }
            end.nodes = record?.nodes ?? []
            end.lastStep = record?.lastStep
            ends.append(end)
        }
        return ends.suffix(Limits.explainedEnds)
    }

    private static func leftOut(
        _ exclusions: [NodeExclusionRecord], _ lifecycle: RunLifecycle
    ) -> [RunExplanation.LeftOut] {
        exclusions.filter { lifecycle.avoidedNodes.contains($0.node) }.map { record in
            .init(
                node: record.node, reason: record.reason, since: record.at,
                until: record.at + lifecycle.policy.exclusion.decay)
        }
    }

    /// A node that several runs had to leave out is everybody's business.
    private func suggestions(_ exclusions: [NodeExclusionRecord]) async throws(APIError) -> [String] {
        let since = clock.now() - Limits.suspectWindow
        let counts = try await read { snapshot in
            try exclusions.map { ($0.node, try snapshot.countRuns(excluding: $0.node, since: since)) }
        }
        return counts.filter { $0.1 >= Limits.suspectRuns }.map { node, count in
            "\(count) runs had to leave out \(node) in the last days: tell the administrators, or exclude it for all"
        }
    }

    // MARK: - Why it waits

    private func addView(to result: inout RunExplanation, _ run: WatchedRun) async {
        guard run.record.isWatched, let reconciler = try? await sites.reconciler(run.record.site) else { return }
        let status = await reconciler.status
        result.asOf = status.look
        result.outage = status.error
    }

    private func waiting(
        _ reason: String, _ run: WatchedRun, _ frozen: FrozenRecord?, outage: String?
    ) async -> RunExplanation.Waiting {
        var waiting = RunExplanation.Waiting(words: reason, code: run.record.pendingCode)
        waiting.jobID = run.lifecycle.job?.id
        if case .queued(let queued) = run.lifecycle.state, queued.notBefore > clock.now() {
            waiting.beginsAt = queued.notBefore
        }
        if waiting.code?.hasPrefix("Dependency") == true,
            let recipe = frozen.flatMap({ try? FrozenRecipe.decode($0.recipe) })
        {
            waiting.dependency = recipe.resources.slurm["dependency"]
        }
        guard let job = run.lifecycle.job, waiting.code != nil, let found = await sight(of: job, run, outage) else {
            return waiting
        }
        let own = found.own
        if own.state.isTerminal { waiting.endedAt = own.endsAt }
        guard own.state == .pending else { return waiting }
        waiting.since = own.submittedAt
        if let begin = own.eligibleAt, begin > found.asOf { waiting.beginsAt = begin }
        if let start = own.startedAt, start > found.asOf { waiting.expectedAt = start }
        waiting.priority = own.priority
        if waiting.code == "Priority", outage == nil, let scheduler = try? await sites.scheduler(run.record.site) {
            waiting.ranking = await ranking(of: own.job, at: run.record.site, scheduler)
        }
        if let priority = own.priority, let queue = found.queue {
            waiting.ahead = queue.count { other in
                other.state == .pending && other.partition == own.partition && (other.priority ?? 0) > priority
            }
        }
        return waiting
    }

    /// For this the scheduler reads its whole queue: once a minute at most. What comes too late is for the next who
    /// asks.
    private func ranking(of job: UInt32, at site: String, _ scheduler: any Scheduler) async -> [String]? {
        let key = "\(site)/\(job)", now = clock.now()
        if let known = rankings.withLock({ $0[key] }), now - known.at < Limits.rankingAge { return known.words }
        return await Deadline.within(Limits.explainedWithin) {
            guard let words = try? await scheduler.ranking(job)?.words else { return nil }
            self.rankings.withLock { rankings in
                rankings = rankings.filter { now - $0.value.at < Limits.rankingAge }
                rankings[key] = Ranking(words: words, at: now)
            }
            return words
        }
    }

    private struct Sight {
        var own: JobStatus
        /// The scheduler's clock.
        var asOf: Double
        var queue: [JobStatus]?
    }

    /// The job as the loop saw it last. One that it has not seen for longer than it means to is asked for, alone, and
    /// not while the scheduler is known to be away.
    private func sight(of job: RunLifecycle.Job, _ run: WatchedRun, _ outage: String?) async -> Sight? {
        guard let reconciler = try? await sites.reconciler(run.record.site),
            let scheduler = try? await sites.scheduler(run.record.site)
        else { return nil }
        let queue = await reconciler.queue
        let seen = queue?.table.jobs.first { $0.carries(job.key) }
        let asOf = queue?.table.asOf ?? clock.now()
        if outage == nil, seen == nil || queue?.isCurrent != true {
            let asked = await Deadline.within(Limits.explainedWithin) { try? await scheduler.load(job.id) }
            if let asked, asked.carries(job.key) { return Sight(own: asked, asOf: asOf, queue: queue?.table.jobs) }
        }
        return seen.map { Sight(own: $0, asOf: asOf, queue: queue?.table.jobs) }
    }
}
