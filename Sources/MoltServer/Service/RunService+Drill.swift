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
        let (record, lifecycle) = try await read { snapshot in
            let record = try self.find(reference, in: snapshot)
            return (record, try WatchedRun(record).lifecycle)
        }
        guard case .running(let job, _) = lifecycle.state, let step = record.step else {
            throw APIError(
                .conflict, "run \(record.id) is \(record.state.rawValue); a drill needs one that takes steps",
                fix: "try again once molt show \(record.id) shows a step")
        }
        let start = DrillStart(
            id: record.id, name: record.name, attempt: job.attempt.number, incarnation: job.incarnation.number,
            step: step, at: clock.now())
        // Told first: whoever reads the timeline must know that it was on purpose.
        try await write { transaction in
            try RunRecorder(transaction: transaction, now: start.at).note(
                "drill", "\(request.fault.rawValue), asked for by the user", run: record.id, attempt: start.attempt,
                incarnation: start.incarnation)
        }
        do {
            let scheduler = try await sites.scheduler(record.site)
            switch request.fault {
            case .preempt: try await scheduler.requeue(job.id, key: job.key)
            case .kill: try await scheduler.signal(job.id, key: job.key, signal: SIGKILL, to: .workers)
            }
        } catch let error as SchedulerError {
            throw APIError(.unavailable, "the scheduler did not do it: \(error.words)")
        } catch {
            throw Self.apiError(error)
        }
        if let reconciler = try? await sites.reconciler(record.site) { await reconciler.hurry() }
        await bell.ring()
        return start
    }
}
