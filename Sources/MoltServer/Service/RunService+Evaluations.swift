package import MoltAPI
import MoltCore
import MoltStore

// An evaluation may come at any time, mostly when its run is over: the folder is looked into when somebody asks.
extension RunService {
    package func evaluations(
        _ reference: String, _ query: EvaluationQuery
    ) async throws(APIError) -> EvaluationList {
        let run = try await read { snapshot in try self.find(reference, in: snapshot) }
        let (found, problems) = try await evaluations(of: run, query)
        let (total, validations, incarnations) = try await read { snapshot in
            (
                try snapshot.countEvaluations(run.id, task: query.task), try snapshot.validations(run.id),
                try snapshot.incarnations(run.id)
            )
        }
        var list = EvaluationList(run: run.id, name: run.name, evaluations: found, total: max(total, found.count))
        let losses = Dictionary(uniqueKeysWithValues: validations.map { ($0.step, $0.loss) })
        // Of a run that was over before the store kept them, the event files tell.
        list.validation = losses.isEmpty
            ? Self.curve(
                events: RunFolder(path: run.folder).events, incarnations: incarnations,
                points: WireLimits.progressPoints
            ).validation
            : Self.thinned(losses, to: WireLimits.progressPoints)
        list.problems = problems
        return list
    }

    /// The newest reports, oldest first, those included that have come into the run's folder since; and what is wrong
    /// with some.
    func evaluations(
        of run: RunRecord, _ query: EvaluationQuery
    ) async throws(APIError) -> (reports: [EvaluationReport], problems: [String]) {
        let (unstored, problems) = try await takeEvaluations(of: run)
        let stored = try await read { snapshot in
            try snapshot.evaluations(run.id, task: query.task, limit: query.limit, bytes: WireLimits.evaluationBytes)
        }
        let all = stored + unstored.filter { query.task == nil || $0.task == query.task }
        let newest = all.sorted { ($0.createdAt, $0.name) < ($1.createdAt, $1.name) }.suffix(query.limit)
        return (newest.compactMap(\.value), problems)
    }

    /// - Returns: reports that the store could not take, which are shown all the same, and what was wrong.
    private func takeEvaluations(
        of run: RunRecord
    ) async throws(APIError) -> (unstored: [EvaluationRecord], problems: [String]) {
        let names = EvaluationFolder.names(RunFolder(path: run.folder), newest: Limits.reportsListed)
        guard !names.isEmpty else { return ([], []) }
        let known = try await read { snapshot in try snapshot.evaluationNames(run.id) }
        var new = names.filter { !known.contains($0) }[...], problems: [String] = []
        while !new.isEmpty {
            let intake = EvaluationIntake(run, names: new.prefix(Limits.reportsAtOnce))
            new = new.dropFirst(Limits.reportsAtOnce)
            problems += intake.refused
            let records = intake.records
            do throws(APIError) {
                try await write { transaction in
                    guard let id = RunID(rawValue: run.id), try transaction.snapshot.run(id) != nil else { return }
                    for record in records { try transaction.save(record) }
                }
            } catch {
                return (records, problems + ["reports cannot be stored: \(error.what)"])
            }
        }
        return ([], problems)
    }
}
