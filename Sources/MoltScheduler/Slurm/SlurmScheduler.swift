package import MoltCore
import Synchronization

/// A Slurm cluster, spoken to through the killable helper `molt-slurm`.
package final class SlurmScheduler: Scheduler {
    private let helper: SlurmHelper
    private let deadline = Mutex(Limits.callDeadline)
    /// Until when calls are refused, on the clock that nobody sets: an outage that was made on purpose.
    private let outage = Mutex(-Double.infinity)

    /// - Parameters:
    ///   - command: the helper and its leading arguments; `SlurmScheduler.besideUs` in production.
    ///   - environment: the helper's whole environment; `SLURM_CONF` in it decides the cluster.
    package init(command: [String], environment: [String: String]) {
        helper = SlurmHelper(command: command, environment: environment)
    }

    package func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply {
        try request.check()
        guard case .submitted(let reply) = try await call(.submit(request)) else { throw Self.nonsense(reading: false) }
        return reply
    }

    package func loadJobs() async throws(SchedulerError) -> JobTable {
        let answer = try await call(.loadJobs) { helper, seconds async throws(SlurmHelper.Failure) in
            try await helper.jobs(within: seconds)
        }
        guard case .table(let table) = answer else { throw Self.nonsense(reading: true) }
        return table
    }

    package func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? {
        do throws(SchedulerError) {
            guard case .job(let status) = try await call(.load(job)) else { throw Self.nonsense(reading: true) }
            return status
        } catch .notFound {
            return nil
        }
    }

    package func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        _ = try await call(.cancel(job, key: key))
    }

    package func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) async throws(SchedulerError) {
        _ = try await call(.signal(job, key: key, signal: signal, target: target))
    }

    package func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        _ = try await call(.requeue(job, key: key))
    }

    package func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        _ = try await call(.update(job, key: key, change: change))
    }

    package func adopt(_ adoption: JobAdoption) async throws(SchedulerError) {
        _ = try await call(.adopt(adoption))
    }

    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? {
        guard case .ranking(let ranking) = try await call(.ranking(job)) else { throw Self.nonsense(reading: true) }
        return ranking
    }

    package func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        switch fault {
        case .outage(let seconds): outage.withLock { $0 = MonotonicTime.now() + seconds }
        case .endOfTime: _ = try await call(.inject(fault, into: job, key: key))
        case .nodeDown:
            // A helper that is killed meanwhile leaves the node down.
            let operation = SlurmOperation.inject(fault, into: job, key: key)
            _ = try await call(operation) { helper, seconds async throws(SlurmHelper.Failure) in
                try await helper.call(operation, within: max(seconds, JobFault.nodeCallSeconds))
            }
        }
    }

    package func configuration() async throws(SchedulerError) -> SchedulerConfiguration {
        guard case .configuration(let configuration) = try await call(.configuration) else {
            throw Self.nonsense(reading: true)
        }
        deadline.withLock { $0 = max(Limits.callDeadline, configuration.messageTimeout + Limits.callMargin) }
        return configuration
    }

    package func ping() async throws(SchedulerError) {
        _ = try await call(.ping)
    }

    /// The helper's process number, for tests that kill it.
    package var helperProcessID: Int32? {
        get async { await helper.processID }
    }

    private func call(_ operation: SlurmOperation) async throws(SchedulerError) -> SlurmAnswer {
        try await call(operation) { helper, seconds async throws(SlurmHelper.Failure) in
            try await helper.call(operation, within: seconds)
        }
    }

    private func call(
        _ operation: SlurmOperation,
        _ ask: (SlurmHelper, Double) async throws(SlurmHelper.Failure) -> SlurmAnswer
    ) async throws(SchedulerError) -> SlurmAnswer {
        guard MonotonicTime.now() >= outage.withLock({ $0 }) else {
            throw .unavailable(message: "an outage on purpose (molt drill)")
        }
        let seconds = deadline.withLock { $0 }
        let answer: SlurmAnswer
        do throws(SlurmHelper.Failure) {
            answer = try await ask(helper, seconds)
        } catch {
            switch error {
            case .notSent(let message): throw .unavailable(message: message)
            case .noAnswer(let message):
                throw operation.isReading ? .unavailable(message: message) : .ambiguous(message: message)
            }
        }
        switch answer {
        case .failed(let code, let text, let reading):
            // The helper looks at a job before it acts; when that look failed, nothing was sent.
            let failed = reading ? operation.job.map { .load($0) } ?? operation : operation
            throw SlurmErrors.classify(failed, code: code, text: text)
        case .keyMismatch: throw .keyMismatch(job: operation.job ?? 0)
        case .misunderstood(let text): throw .unavailable(message: "molt-slurm does not understand: \(text)")
        case .submitted, .table, .changes, .job, .ranking, .configuration, .done: return answer
        }
    }

    private static func nonsense(reading: Bool) -> SchedulerError {
        let message = "molt-slurm gave an answer of the wrong kind"
        return reading ? .unavailable(message: message) : .ambiguous(message: message)
    }
}
