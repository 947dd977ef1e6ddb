import MoltCore
import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// What `molt-train evaluate` does as the worker of a run of `task: evaluate`.
///
/// Each report is kept in the folder of this run and, where a run's model is asked, in that run's. A start after an
/// interruption goes on with the checkpoints that have no report yet.
package enum EvaluateRun {
    package static func run(environment: [String: String], stop: StopSignal) -> Int32 {
        SoloWorker.run(environment: environment, stop: stop, evaluate)
    }

    private static func evaluate(_ worker: SoloWorker) throws -> JobExit {
        let recipe = worker.recipe, run = worker.context.run, events = worker.events
        guard let start = recipe.initFrom, let section = recipe.evaluation else {
            throw UserError("the recipe does not say what to evaluate, and which model", at: "evaluation")
        }
        var job = EvaluationJob(section, data: recipe.data?.validation ?? [])
        job.tokenizer = recipe.data?.tokenizer
        try job.check()
        let place = try worker.place(section.dtype)
        let earlier = EvaluationFolder.read(run, EvaluationFolder.names(run, newest: .max)).reports.map(\.report)
        // The newest may be another one by now.
        let isOver = section.checkpoint == nil && !earlier.isEmpty
        let places = isOver ? [] : try EvaluatedCheckpoints.places(in: start, section.checkpoint)
        for report in earlier { share(report, events) }
        if isOver { worker.tell(done: 1, of: 1, next: .finish) }
        for (number, folder) in places.enumerated() {
            if !earlier.contains(where: { $0.checkpoint == folder }) { try evaluate(folder, job, on: place, worker) }
            worker.tell(done: number + 1, of: places.count, next: .load)
        }
        events.phase(.finish)
        return .done
    }

    private static func evaluate(
        _ folder: String, _ job: EvaluationJob, on place: ComputePlace, _ worker: SoloWorker
    ) throws {
        let events = worker.events
        events.phase(.load)
        guard worker.recipe.evaluation?.checkpoint == nil || access(folder, F_OK) == 0 else {
            return events.write(.note, message: "\(folder) is passed over: its run has removed it meanwhile")
        }
        let source = try CheckpointSource(folder, key: "init_from") { events.beat(.load) }
        try worker.beat(.load)
        events.phase(.evaluate)
        let report = try job.run(source, on: place) { try worker.beat(.evaluate) }
        try EvaluationFiles.keep(report, in: worker.context.run)
        share(report, events)
        events.write(.note, message: words(report))
    }

    /// A run that is not ours to write to keeps no report, and harms nothing.
    private static func share(_ report: EvaluationReport, _ events: EventLog) {
        do {
            _ = try EvaluationFiles.keep(report, folder: report.checkpoint)
        } catch {
            events.write(.note, message: "the report is in this run's folder alone: \(error)")
        }
    }

    /// `recall at step 800: exact 0.75 (pairs 8), exact 0.5 (pairs 16)`
    private static func words(_ report: EvaluationReport) -> String {
        let points = report.points.prefix(Limits.pointsInMessage).compactMap { point in
            point.measures.first.map { measure in
                let at = report.axes.compactMap { axis in point.at[axis].map { "\(axis) \(Self.shown($0))" } }
                return "\(measure.name) \(Decimals.text(measure.value, digits: 4))"
                    + (at.isEmpty ? "" : " (\(at.joined(separator: ", ")))")
            }
        }
        let more = report.points.count > points.count ? ", …" : ""
        return report.task
            + (report.step.map { " at step \($0)" } ?? "") + ": " + points.joined(separator: ", ") + more
    }

    private static func shown(_ value: Double) -> String {
        Decimals.text(value, digits: value == value.rounded() ? 0 : 2)
    }
}

extension EvaluationJob {
    /// - Parameter data: what `data.validation` names.
    init(_ section: EvaluationSection, data: [String]) {
        self.init(task: Task(section.task))
        self.data = section.task.readsData ? data : []
        dataKey = "data.validation"
        (samples, seed) = (section.samples, UInt64(section.seed))
        (sequenceLength, stride) = (section.sequenceLength, section.stride)
        (sizes, depths) = (section.sizes, section.depths)
        (delimiter, tokensMax, batch) = (section.delimiter, section.tokensMax, section.batch)
        stops += section.stop
    }
}

extension EvaluationJob.Task {
    init(_ task: EvaluationSection.Task) {
        switch task {
        case .perplexity: self = .perplexity
        case .multipleChoice: self = .multipleChoice
        case .exactMatch: self = .exactMatch
        case .phoneBook: self = .phoneBook
        case .recall: self = .recall
        case .needle: self = .needle
        }
    }
}
