package import MoltCore
import MoltReconcile
package import MoltScheduler

/// A scheduler whose every change of a job is written down: before it is asked for, and with what was answered.
package struct AuditedScheduler: Scheduler {
    private let scheduler: any Scheduler
    private let audit: AuditLog
    private let site: String
    private let userID: UInt32
    private let now: @Sendable () -> Double
    private let run: @Sendable (AttemptKey) async -> String?

    /// - Parameter run: the run whose attempt has a key.
    package init(
        scheduler: any Scheduler, audit: AuditLog, site: String, userID: UInt32, now: @escaping @Sendable () -> Double,
        run: @escaping @Sendable (AttemptKey) async -> String?
    ) {
        self.scheduler = scheduler
        self.audit = audit
        self.site = site
        self.userID = userID
        self.now = now
        self.run = run
    }

    private func told<Value>(
        _ verb: String, _ key: AttemptKey, job: UInt32? = nil, words: String = "",
        _ answered: (Value) -> (job: UInt32?, words: String),
        _ act: () async throws(SchedulerError) -> Value
    ) async throws(SchedulerError) -> Value {
        let place = "site \(site)" + (words.isEmpty ? "" : ", \(words)")
        var record = AuditRecord(
            at: now(), userID: userID, source: "daemon", verb: "job.\(verb)", run: await run(key), job: job,
            key: key.rawValue, words: place)
        audit.write(record)
        defer {
            record.at = now()
            audit.write(record)
        }
        do throws(SchedulerError) {
            let value = try await act()
            let answer = answered(value)
            record.after = "done"
            record.job = answer.job ?? record.job
            if !answer.words.isEmpty { record.words = "\(place): \(answer.words)" }
            return value
        } catch {
            record.after = "refused"
            record.words = "\(place): \(DisplayText.escaped(error.words, limit: 300))"
            throw error
        }
    }

    private func told(
        _ verb: String, _ key: AttemptKey, _ job: UInt32, _ words: String = "",
        _ act: () async throws(SchedulerError) -> Void
    ) async throws(SchedulerError) {
        try await told(verb, key, job: job, words: words, { (_: Void) in (nil, "") }, act)
    }

    package func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply {
        try await told("submit", request.key, words: request.name, { ($0.job, $0.warning ?? "") }) {
            () async throws(SchedulerError) in try await scheduler.submit(request)
        }
    }

    package func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await told("cancel", key, job) { () async throws(SchedulerError) in
            try await scheduler.cancel(job, key: key)
        }
    }

    package func signal(
        _ job: UInt32, key: AttemptKey, signal: Int32, to target: SignalTarget
    ) async throws(SchedulerError) {
        try await told("signal", key, job, "signal \(signal) to \(target.rawValue)") {
            () async throws(SchedulerError) in
            try await scheduler.signal(job, key: key, signal: signal, to: target)
        }
    }

    package func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await told("requeue", key, job) { () async throws(SchedulerError) in
            try await scheduler.requeue(job, key: key)
        }
    }

    package func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        try await told("update", key, job, "\(change)") { () async throws(SchedulerError) in
            try await scheduler.update(job, key: key, change: change)
        }
    }

    package func adopt(_ adoption: JobAdoption) async throws(SchedulerError) {
        try await told("adopt", adoption.to, adoption.job, DisplayText.escaped(adoption.name, limit: 100)) {
            () async throws(SchedulerError) in try await scheduler.adopt(adoption)
        }
    }

    package func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        try await told("inject", key, job, "\(fault)") { () async throws(SchedulerError) in
            try await scheduler.inject(fault, into: job, key: key)
        }
    }

    // MARK: - What changes nothing

    package func loadJobs() async throws(SchedulerError) -> JobTable { try await scheduler.loadJobs() }
    package func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? { try await scheduler.load(job) }
    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? {
        try await scheduler.ranking(job)
    }
    package func configuration() async throws(SchedulerError) -> SchedulerConfiguration {
        try await scheduler.configuration()
    }
    package func ping() async throws(SchedulerError) { try await scheduler.ping() }

    package func proofLife() async -> Double? { await scheduler.proofLife() }
}
