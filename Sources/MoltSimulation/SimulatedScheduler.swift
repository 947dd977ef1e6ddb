import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler

/// The cluster as the loop of one daemon sees it: the model of Slurm behind the real classification of Slurm's
/// numbers.
struct SimulatedScheduler: Scheduler {
    let world: World
    /// Which daemon asks; a dead one gets nowhere.
    let generation: Int

    func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply {
        do throws(SchedulerError) {
            guard case .submitted(let job) = try call(.submit(request), as: .submit(request)) else {
                throw .ambiguous(message: "nonsense")
            }
            return SubmitReply(job: job)
        } catch .ambiguous(let message) where world.sabotage == .eagerResend {
            throw .later(message: message)
        }
    }

    func loadJobs() async throws(SchedulerError) -> JobTable {
        guard case .table(let jobs, let asOf) = try call(.loadJobs, as: .loadJobs) else {
            throw .unavailable(message: "nonsense")
        }
        return JobTable(jobs: jobs, asOf: asOf)
    }

    func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? {
        do throws(SchedulerError) {
            guard case .job(let status) = try call(.load(job), as: .load(job)) else {
                throw .unavailable(message: "nonsense")
            }
            return status
        } catch .notFound {
            return nil
        }
    }

    func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        _ = try call(.cancel(job, key), as: .cancel(job, key: key))
    }

    func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) async throws(SchedulerError) {
        _ = try call(.signal(job, key), as: .signal(job, key: key, signal: signal, target: target))
    }

    func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        throw .wrongState(job: job, message: "the daemon requeues nothing")
    }

    func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        _ = try call(.update(job, key, change), as: .update(job, key: key, change: change))
    }

    func configuration() async throws(SchedulerError) -> SchedulerConfiguration {
        guard case .configuration(let value) = try call(.configuration, as: .configuration) else {
            throw .unavailable(message: "nonsense")
        }
        return value
    }

    func ping() async throws(SchedulerError) {}

    private func call(_ kind: Request.Kind, as operation: SlurmOperation) throws(SchedulerError) -> Answer {
        guard world.lives(generation) else { throw .unavailable(message: "this daemon is dead") }
        let answer = world.ask(kind)
        guard world.lives(generation) else { throw .unavailable(message: "this daemon is dead") }
        switch answer {
        case .failed(let code): throw SlurmErrors.classify(operation, code: code, text: "error")
        case .reset: throw SlurmErrors.classify(operation, code: Numbers.connectionReset, text: "connection reset")
        case .keyMismatch:
            switch kind {
            case .cancel(let job, _), .signal(let job, _), .update(let job, _, _), .load(let job):
                throw .keyMismatch(job: job)
            case .submit, .loadJobs, .configuration: throw .unavailable(message: "nonsense")
            }
        case .submitted, .table, .job, .configuration, .done: return answer
        }
    }
}
