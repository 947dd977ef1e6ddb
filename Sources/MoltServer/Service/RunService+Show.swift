import FoundationEssentials
package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile
import MoltStore

extension RunService {
    package func list(_ query: RunQuery) async throws(APIError) -> RunList {
        let (records, total) = try await read { snapshot in
            let limit = min(query.all && query.limit == WireLimits.runsListed ? WireLimits.runsListedMax : query.limit,
                WireLimits.runsListedMax)
            let isPlain = query.states.isEmpty && query.name == nil && !query.all
            let records = isPlain
                ? try snapshot.latest(limit: limit)
                : try snapshot.runs(states: query.states, name: query.name, limit: limit)
            return (records, try snapshot.countRuns())
        }
        let seen = await looks()
        return RunList(
            runs: records.map { Self.summary($0, asOf: seen[$0.site]) }, total: total, asOf: clock.now())
    }

    package func detail(_ reference: String) async throws(APIError) -> RunDetail {
        let (run, frozen, attempts, incarnations, saves, saved, slow) = try await read { snapshot in
            let run = try self.find(reference, in: snapshot)
            return (
                run, try snapshot.frozen(run.id), try snapshot.attempts(run.id), try snapshot.incarnations(run.id),
                try snapshot.latestCheckpoints(run.id, limit: Limits.measuredSaves),
                try snapshot.lastSavedSteps(run.id), try SlowRanks.sentence(run, in: snapshot)
            )
        }
        var detail = RunDetail(
            summary: await summary(run), runFolder: run.folder, workingDirectory: frozen?.workingDirectory ?? "",
            host: frozen?.host ?? "", gitCommit: frozen?.gitCommit)
        detail.tokens = run.tokens
        detail.validationLoss = run.validationLoss
        detail.slow = slow
        detail.secondsLeft = Self.secondsLeft(run)
        detail.attempts = attempts.map { attempt in
            Self.detail(attempt, incarnations.filter { $0.attempt == attempt.number })
        }
        detail.checkpoints = try await checkpoints(run)
        detail.evaluations = try await evaluations(of: run, EvaluationQuery(limit: WireLimits.evaluations)).reports
        detail.saving = Saving.detail(
            saves, lastSaved: saved, incarnations,
            every: frozen.flatMap { try? FrozenRecipe.decode($0.recipe) }?.checkpoint.every, now: clock.now())
        return detail
    }

    private func checkpoints(_ run: RunRecord) async throws(APIError) -> [CheckpointDetail] {
        var found: [CheckpointDetail] = []
        // Of a run that saves all the time everything that was listed may be gone before it is looked at.
        for _ in 1...3 {
            let list = CheckpointList(RunFolder(path: run.folder))
            guard let newest = list.names.last else { return [] }
            found = list.details(try await read { try $0.checkpoints(run.id, among: list.names) })
            if found.last.map({ CheckpointName(step: $0.step, epoch: $0.epoch) }) == newest { break }
        }
        return found
    }

    package func timeline(_ reference: String, after: Int, limit: Int) async throws(APIError) -> TimelinePage {
        let rows = try await read { snapshot in
            try snapshot.events(
                self.find(reference, in: snapshot).id, after: after, limit: min(limit, WireLimits.timelineEntries))
        }
        let entries = rows.map { row in
            TimelineEntry(
                sequence: Int(row.sequence ?? 0), at: row.at, kind: row.kind, attempt: row.attempt,
                incarnation: row.incarnation, message: row.message)
        }
        return TimelinePage(entries: entries, next: entries.last?.sequence ?? after)
    }

    func summary(_ run: RunRecord) async -> RunSummary {
        Self.summary(run, asOf: await looks()[run.site])
    }

    /// When each site's queue was last seen.
    private func looks() async -> [String: Double] {
        var result: [String: Double] = [:]
        for (site, reconciler) in await sites.reconcilers { result[site.name] = await reconciler.status.look }
        return result
    }

    private static func summary(_ run: RunRecord, asOf: Double?) -> RunSummary {
        var summary = RunSummary(
            id: run.id, name: run.name, state: run.state, recipe: run.source, site: run.site, attempt: run.attempt,
            incarnations: run.incarnations, createdAt: run.createdAt)
        summary.partition = run.partition
        summary.step = run.step
        summary.steps = run.steps
        summary.loss = run.loss
        summary.tokensPerSecond = run.tokensPerSecond
        summary.startedAt = run.startedAt
        summary.finishedAt = run.finishedAt
        summary.pendingReason = run.pendingReason
        summary.pendingCode = run.pendingCode
        summary.lastError = run.lastError
        summary.asOf = run.isWatched ? asOf : nil
        return summary
    }

    private static func secondsLeft(_ run: RunRecord) -> Double? {
        guard run.state == .running, let step = run.step, let steps = run.steps, let tokens = run.tokens,
            let speed = run.tokensPerSecond, step > 0, speed > 0, steps >= step
        else { return nil }
        return Double(steps - step) * Double(tokens) / Double(step) / speed
    }

    private static func detail(_ attempt: AttemptRecord, _ incarnations: [IncarnationRecord]) -> AttemptDetail {
        var detail = AttemptDetail(number: attempt.number, jobID: attempt.jobID, state: attempt.state)
        detail.outcome = attempt.outcome
        detail.reason = attempt.reason
        detail.submittedAt = attempt.submittedAt
        detail.endedAt = attempt.endedAt
        detail.incarnations = incarnations.map { record in
            var detail = IncarnationDetail(
                number: record.number, epoch: record.epoch, nodes: record.nodes, startedAt: record.startedAt)
            detail.endedAt = record.endedAt
            detail.outcome = record.outcome
            detail.reason = record.reason
            detail.firstStep = record.firstStep
            detail.lastStep = record.lastStep
            return detail
        }
        return detail
    }
}
