package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

extension RunService {
    package func costs(_ query: CostQuery) async throws(APIError) -> CostSummary {
        let now = clock.now()
        let found = try await read { snapshot in
            try snapshot.runs(states: [], name: nil, limit: WireLimits.runsListedMax)
                .filter { ($0.finishedAt ?? now) >= query.since && $0.createdAt <= now }
        }
        var table = CostTable(by: query.by)
        let user = Self.userName
        for run in found.prefix(Limits.costRuns) {
            let (frozen, incarnations, attempts) = try await read { snapshot in
                (try snapshot.frozen(run.id), try snapshot.incarnations(run.id), try snapshot.attempts(run.id))
            }
            let jobs = Dictionary(attempts.map { ($0.number, $0.jobID) }) { $1 }
            let recipe = frozen.flatMap { try? FrozenRecipe.decode($0.recipe) }
            let cost = RunCost(
                createdAt: run.createdAt, starts: Self.starts(run, incarnations, jobs, now: now),
                end: run.finishedAt ?? now, since: query.since)
            table.add(cost, run: run.id, name: run.name, user: user, devices: recipe?.devices ?? 1)
        }
        return CostSummary(
            lines: table.lines, since: query.since, omitted: max(0, found.count - Limits.costRuns))
    }

    private static func starts(
        _ run: RunRecord, _ incarnations: [IncarnationRecord], _ jobs: [Int: UInt32?], now: Double
    ) -> [RunCost.Start] {
        let folder = RunFolder(path: run.folder), isAdopted = (try? WatchedRun(run))?.lifecycle.adopted != nil
        return incarnations.compactMap { incarnation in
            guard let startedAt = incarnation.startedAt else { return nil }
            var start = RunCost.Start(
                startedAt: startedAt, endedAt: max(startedAt, incarnation.endedAt ?? run.finishedAt ?? now),
                outcome: incarnation.outcome, nodes: incarnation.nodes, events: [])
            if isAdopted, let job = jobs[incarnation.attempt] ?? nil {
                let records = folder.pluginRecords(jobID: job, incarnation: incarnation.number)
                start.events = CostEvents.ofPlugin(records, from: startedAt, to: start.endedAt)
            } else if let epoch = incarnation.epoch {
                let path = folder.events(epoch: epoch, writer: .rank(0))
                start.events = CostEvents.read([path], from: startedAt, to: start.endedAt)
            }
            return start
        }.sorted { $0.startedAt < $1.startedAt }
    }

    private static var userName: String {
        getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"
    }
}

extension Recipe {
    /// GPUs of an attempt, or its ranks when it has none.
    fileprivate var devices: Int { max(resources.nodes.times(resources.gpusPerNode), worldSize) }
}
