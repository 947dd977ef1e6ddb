package import MoltAPI

/// What the HTTP controllers ask of the daemon. `reference` is an id, a unique prefix of one, or a name.
package protocol RunOperations: Sendable {
    /// Returns once the run is durable; the same token again returns the same run.
    func submit(_ request: SubmitRequest) async throws(APIError) -> SubmitResult
    /// Makes a job that somebody submitted by hand a run, or the next attempt of one.
    func adopt(_ request: AdoptRequest) async throws(APIError) -> SubmitResult
    func list(_ query: RunQuery) async throws(APIError) -> RunList
    func detail(_ reference: String) async throws(APIError) -> RunDetail
    func timeline(_ reference: String, after: Int, limit: Int) async throws(APIError) -> TimelinePage
    func explain(_ reference: String) async throws(APIError) -> RunExplanation
    func progress(_ reference: String, points: Int) async throws(APIError) -> ProgressCurve
    /// Takes in what has come into the run's folder, and tells what there is.
    func evaluations(_ reference: String, _ query: EvaluationQuery) async throws(APIError) -> EvaluationList
    func log(_ reference: String, _ query: LogQuery) async throws(APIError) -> LogChunk
    /// Records what is wanted and wakes the loop; the answer is the run as it is now.
    func act(_ action: RunAction, on reference: String, _ request: ActionRequest) async throws(APIError) -> RunSummary
    func recipe(_ reference: String) async throws(APIError) -> RunRecipe
    /// Changes the recipe of the attempts to come.
    func edit(_ reference: String, _ request: EditRequest) async throws(APIError) -> RunSummary
    func usage(_ reference: String) async throws(APIError) -> RunUsage
    /// Deletes all but the newest verified checkpoints and the best of a run that has no job.
    func prune(_ reference: String, _ request: PruneRequest) async throws(APIError) -> PruneResult
    /// Removes a run that is over, with its folder.
    func remove(_ reference: String) async throws(APIError)
    /// Makes a fault happen to a run that runs.
    func drill(_ reference: String, _ request: DrillRequest) async throws(APIError) -> DrillStart
    func costs(_ query: CostQuery) async throws(APIError) -> CostSummary
    func daemonStatus() async throws(APIError) -> DaemonStatus
    func siteReport(_ name: String) async throws(APIError) -> SiteReport
    /// Begins an orderly end of the daemon; jobs go on without it.
    func stopDaemon() async
}
