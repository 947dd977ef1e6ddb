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
            let (frozen, incarnations) = try await read { snapshot in
                (try snapshot.frozen(run.id), try snapshot.incarnations(run.id))
            }
            let recipe = frozen.flatMap { try? FrozenRecipe.decode($0.recipe) }
            let cost = RunCost(
                createdAt: run.createdAt, starts: Self.starts(run, incarnations, now: now),
                end: run.finishedAt ?? now)
            table.add(cost, run: run.id, name: run.name, user: user, devices: recipe?.devices ?? 1)
        }
        return CostSummary(
            lines: table.lines, since: query.since, omitted: max(0, found.count - Limits.costRuns))
    }

    private static func starts(
        _ run: RunRecord, _ incarnations: [IncarnationRecord], now: Double
    ) -> [RunCost.Start] {
        let folder = RunFolder(path: run.folder)
        return incarnations.compactMap { incarnation in
            guard let startedAt = incarnation.startedAt else { return nil }
            let path = incarnation.epoch.map { folder.events(epoch: $0, writer: .rank(0)) }
            return RunCost.Start(
                startedAt: startedAt, endedAt: max(startedAt, incarnation.endedAt ?? run.finishedAt ?? now),
                outcome: incarnation.outcome, nodes: incarnation.nodes, events: path.map(events) ?? [])
        }.sorted { $0.startedAt < $1.startedAt }
    }

    private static func events(_ path: String) -> [RunEvent] {
        var result: [RunEvent] = [], offset = 0
        while offset < Limits.curveBytes, let (events, next) = EventTail.readFile(path, from: offset) {
            result += events
            offset = next
        }
        return result
    }

    private static var userName: String {
        getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? "\(getuid())"
    }
}

extension Recipe {
    /// GPUs of an attempt, or its ranks when it has none.
    fileprivate var devices: Int { max(resources.nodes.times(resources.gpusPerNode), worldSize) }
}
