package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

extension RunService {
    /// Makes a fault happen to a run that runs; its job is treated like any other afterwards.
    package func drill(_ reference: String, _ request: DrillRequest) async throws(APIError) -> DrillStart {
        let (record, lifecycle, saved) = try await read { snapshot in
            let record = try self.find(reference, in: snapshot)
            let saved = try snapshot.checkpoints(record.id).filter(\.verified).map(\.step).max()
            return (record, try WatchedRun(record).lifecycle, saved)
        }
        guard case .running(let job, _) = lifecycle.state, let step = record.step else {
            throw APIError(
                .conflict, "run \(record.id) is \(record.state.rawValue); a drill needs one that takes steps",
                fix: "try again once molt show \(record.id) shows a step")
        }
        if request.fault == .nodeFail, job.incarnation.nodes.isEmpty {
            throw APIError(.conflict, "nobody knows yet on which node run \(record.id) runs", fix: "try again soon")
        }
        let outage = min(max(request.seconds ?? Limits.drillOutage, 1), Limits.drillOutageMax)
        var start = DrillStart(
            id: record.id, name: record.name, attempt: job.attempt.number, incarnation: job.incarnation.number,
            step: step, at: clock.now())
        start.savedStep = saved
        if request.fault == .ctldOutage { start.until = start.at + outage }
        let told = start
        // Told first: whoever reads the timeline must know that it was on purpose.
        try await write { transaction in
            try RunRecorder(transaction: transaction, now: told.at).note(
                "drill", "\(request.fault.rawValue), asked for by the user", run: record.id, attempt: told.attempt,
                incarnation: told.incarnation)
        }
        do {
            let scheduler = try await sites.scheduler(record.site)
            switch request.fault {
            case .preempt: try await scheduler.requeue(job.id, key: job.key)
            case .kill: try await scheduler.signal(job.id, key: job.key, signal: SIGKILL, to: .workers)
            case .walltime: try await scheduler.inject(.endOfTime, into: job.id, key: job.key)
            case .nodeFail:
                try await scheduler.inject(.nodeDown(job.incarnation.nodes[0]), into: job.id, key: job.key)
            case .ctldOutage: try await scheduler.inject(.outage(outage), into: job.id, key: job.key)
            }
        } catch let error as SchedulerError {
            throw Self.refusal(error, request.fault, node: job.incarnation.nodes.first)
        } catch {
            throw Self.apiError(error)
        }
        if let reconciler = try? await sites.reconciler(record.site) { await reconciler.hurry() }
        await bell.ring()
        return start
    }

    private static func refusal(_ error: SchedulerError, _ fault: DrillFault, node: String?) -> APIError {
        switch error {
        case .ambiguous where fault == .nodeFail:
            APIError(
                .unavailable, "nobody knows whether it was done: \(error.words)",
                fix: "look at its node (sinfo -N); if it is down, \(JobFault.bringBack(node ?? "NODE"))")
        case .notPermitted where fault == .nodeFail:
            APIError(
                .forbidden, "only an operator of the cluster may declare a node down: \(error.words)",
                fix: "ask one, or try it on a Slurm of your own (Scripts/testbed); molt drill kill needs no rights")
        case .notPermitted: APIError(.forbidden, "the scheduler does not allow it: \(error.words)")
        case .rejected, .wrongState, .keyMismatch, .notFound:
            APIError(.conflict, "the scheduler did not do it: \(error.words)")
        case .later, .ambiguous, .unavailable:
            APIError(.unavailable, "the scheduler did not do it: \(error.words)")
        }
    }
}
