import MoltAPI
import MoltCore
import MoltServer

#if canImport(Glibc)
import Glibc
#endif

enum ProcessOwner {
    static let id: UInt32 = getuid()
}

/// Echoes what the controllers passed on; a run called `missing` is not there.
struct FakeOperations: RunOperations {
    func submit(_ request: SubmitRequest) async throws(APIError) -> SubmitResult {
        SubmitResult(
            id: "id", name: request.recipe, site: request.site, state: "queued", isNew: true, runFolder: "/runs/id")
    }

    func adopt(_ request: AdoptRequest) async throws(APIError) -> SubmitResult {
        SubmitResult(
            id: "id", name: request.run ?? "job", site: request.site, state: "queued", isNew: true,
            runFolder: "/runs/\(request.job)")
    }

    func list(_ query: RunQuery) async throws(APIError) -> RunList {
        RunList(runs: [], total: query.limit, asOf: 0)
    }

    func detail(_ reference: String) async throws(APIError) -> RunDetail {
        guard reference != "missing" else { throw missing }
        return RunDetail(summary: summary(reference, name: "x"), runFolder: "/r", workingDirectory: "/w", host: "h")
    }

    func timeline(_ reference: String, after: Int, limit: Int) async throws(APIError) -> TimelinePage {
        TimelinePage(entries: [], next: after + 1)
    }

    func explain(_ reference: String) async throws(APIError) -> RunExplanation {
        RunExplanation(id: reference, name: "x", state: .queued, site: "s", attempt: 0, next: "nothing", now: 0)
    }

    func progress(_ reference: String, points: Int) async throws(APIError) -> ProgressCurve {
        ProgressCurve()
    }

    func evaluations(_ reference: String, _ query: EvaluationQuery) async throws(APIError) -> EvaluationList {
        EvaluationList(run: reference, name: query.task ?? "all", evaluations: [], total: query.limit)
    }

    func log(_ reference: String, _ query: LogQuery) async throws(APIError) -> LogChunk {
        let fields = [query.attempt, query.incarnation, query.rank, query.offset].map { $0.map { "\($0)" } ?? "-" }
        return LogChunk(
            source: "rank", attempt: 1, incarnation: 0, path: "/l", text: fields.joined(separator: " "), next: 0,
            isComplete: true)
    }

    func act(
        _ action: RunAction, on reference: String, _ request: ActionRequest
    ) async throws(APIError) -> RunSummary {
        summary("id", name: "\(action.rawValue) \(reference)")
    }

    func recipe(_ reference: String) async throws(APIError) -> RunRecipe {
        RunRecipe(recipe: reference, site: "s")
    }

    func edit(_ reference: String, _ request: EditRequest) async throws(APIError) -> RunSummary {
        summary("id", name: "edit \(reference) \(request.changes.joined(separator: " "))")
    }

    func usage(_ reference: String) async throws(APIError) -> RunUsage {
        RunUsage(id: "id", name: reference, state: "queued")
    }

    func prune(_ reference: String, _ request: PruneRequest) async throws(APIError) -> PruneResult {
        PruneResult(id: "id", name: "prune \(reference) \(request.keep)")
    }

    func remove(_ reference: String) async throws(APIError) {
        if reference == "missing" { throw missing }
    }

    func drill(_ reference: String, _ request: DrillRequest) async throws(APIError) -> DrillStart {
        DrillStart(id: "id", name: reference, attempt: 1, incarnation: 0, step: 1, at: 0)
    }

    func costs(_ query: CostQuery) async throws(APIError) -> CostSummary {
        CostSummary(lines: [CostLine(key: query.by.rawValue)], since: query.since, omitted: 0)
    }

    func daemonStatus() async throws(APIError) -> DaemonStatus {
        DaemonStatus(
            version: "1", host: "h", pid: 7, home: "/h", socket: "/s", startedAt: 0, runs: 0, activeRuns: 0, sites: [])
    }

    func siteReport(_ name: String) async throws(APIError) -> SiteReport {
        SiteReport(
            site: name, kind: "local", version: "local", killWait: 30, minimumJobAge: 300, messageTimeout: 10,
            requeueDelay: 0, jobsRequeue: true, requeueExit: [], requeueExitHold: [], preemptMode: "REQUEUE",
            partitions: [], nodes: [], prefix: "/p", runs: "/r")
    }

    func stopDaemon() async {}

    private var missing: APIError { APIError(.notFound, "no run 'missing'", fix: "molt ls") }

    private func summary(_ id: String, name: String) -> RunSummary {
        RunSummary(id: id, name: name, state: .queued, recipe: "r", site: "s", createdAt: 0)
    }
}
