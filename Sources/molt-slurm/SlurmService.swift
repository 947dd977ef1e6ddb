import CSlurm
import Glibc
import MoltCore
import MoltScheduler

/// Carries out one call.
enum SlurmService {
    /// What the daemon knows from earlier looks. Calls come one after the other, on one thread.
    nonisolated(unsafe) private static var told = ToldJobs()

    static func perform(_ operation: SlurmOperation) -> SlurmAnswer {
        switch operation {
        case .submit(let request): submit(request)
        case .loadJobs: loadJobs()
        case .loadChanges(let since): loadChanges(since: since)
        case .loadRest(let look): told.rest(of: look).map(SlurmAnswer.changes) ?? .misunderstood("look \(look)")
        case .load(let job): load(job)
        case .cancel(let job, let key): guarded(job, key) { molt_slurm_cancel(job) }
        case .requeue(let job, let key): guarded(job, key) { molt_slurm_requeue(job) }
        case .signal(let job, let key, let signal, let target):
            guarded(job, key) { molt_slurm_signal(job, UInt16(clamping: signal), target.number) }
        case .update(let job, let key, let change):
            guarded(job, key) { molt_slurm_update(job, change.number) }
        case .adopt(let adoption): adopt(adoption)
        case .inject(let fault, let job, let key): SlurmFaults.inject(fault, into: job, key: key)
        case .ranking(let job): SlurmRanking.load(job)
        case .configuration: Cluster.load()
        case .ping: done(molt_slurm_ping())
        }
    }

    /// The one place that touches jobs: only after a look that shows our key, or our name where somebody wrote over the
    /// comment, and our user. A number alone proves nothing, since Slurm hands the numbers of lost jobs to strangers.
    private static func guarded(_ job: UInt32, _ key: AttemptKey, _ act: () -> Int32) -> SlurmAnswer {
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_one(job, &table)
        guard code == 0 else { return failed(code, reading: true) }
        defer { molt_slurm_free_jobs(&table) }
        guard let status = JobStatus.all(in: table).first(where: { $0.job == job }), status.carries(key),
            status.userID == geteuid()
        else { return .keyMismatch }
        MoltSlurmMain.pass(.jobLooked)
        return done(act())
    }

    private static func adopt(_ adoption: JobAdoption) -> SlurmAnswer {
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_one(adoption.job, &table)
        guard code == 0 else { return failed(code, reading: true) }
        defer { molt_slurm_free_jobs(&table) }
        guard let status = JobStatus.all(in: table).first(where: { $0.job == adoption.job }),
            status.userID == geteuid(), status.name == adoption.name
        else { return .keyMismatch }
        if status.key == adoption.to { return .done }
        guard status.key == adoption.from else { return .keyMismatch }
        if status.state.isTerminal {
            guard adoption.from != nil else { return failed(alreadyDone) }
            let code = molt_slurm_put_back(adoption.job)
            guard code == 0 else { return failed(code) }
        }
        return done(molt_slurm_adopt(adoption.job, adoption.to.comment, adoption.excludedNodes.joined(separator: ",")))
    }

    /// Slurm's number for a job that is over.
    private static let alreadyDone: Int32 = 2021

    private static func submit(_ request: JobRequest) -> SlurmAnswer {
        var reply = molt_slurm_reply()
        let code = RequestDescriptor.withDescriptor(of: request) { molt_slurm_submit($0, &reply) }
        guard code == 0 else { return failed(code, said: message(of: reply)) }
        return .submitted(SubmitReply(job: reply.job, warning: warning(of: reply)))
    }

    private static func warning(of reply: molt_slurm_reply) -> String? {
        let plugin = message(of: reply)
        if !plugin.isEmpty { return plugin }
        return reply.warning == 0 ? nil : String(cString: molt_slurm_error_text(reply.warning))
    }

    private static func message(of reply: molt_slurm_reply) -> String {
        withUnsafeBytes(of: reply.message) { bytes in
            DisplayText.escaped(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
        }
    }

    private static func loadJobs() -> SlurmAnswer {
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_user(geteuid(), &table)
        guard code == 0 else { return failed(code, reading: true) }
        defer { molt_slurm_free_jobs(&table) }
        // The user's other jobs may be tens of thousands: more than one answer holds, and none of our business.
        return .table(JobTable(jobs: JobStatus.all(in: table).filter(\.isOurs), asOf: Double(table.as_of)))
    }

    private static func loadChanges(since: Int?) -> SlurmAnswer {
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_user(geteuid(), &table)
        guard code == 0 else { return failed(code, reading: true) }
        defer { molt_slurm_free_jobs(&table) }
        let rows = UnsafeBufferPointer(start: table.jobs, count: Int(table.count))
        let jobs = rows.map { (job: $0.job, digest: $0.digest) }
        // The user's other jobs are none of our business.
        return .changes(told.changes(since: since, jobs: jobs, asOf: Double(table.as_of)) { place in
            let status = JobStatus(rows[place])
            return status.isOurs ? status : nil
        })
    }

    private static func load(_ job: UInt32) -> SlurmAnswer {
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_one(job, &table)
        guard code == 0 else { return failed(code, reading: true) }
        defer { molt_slurm_free_jobs(&table) }
        return .job(JobStatus.all(in: table).first { $0.job == job })
    }

    static func done(_ code: Int32) -> SlurmAnswer { code == 0 ? .done : failed(code) }

    static func failed(_ code: Int32, said: String = "", reading: Bool = false) -> SlurmAnswer {
        let text = String(cString: molt_slurm_error_text(code))
        return .failed(code: code, text: said.isEmpty ? text : "\(text): \(said)", reading: reading)
    }
}

extension SignalTarget {
    fileprivate var number: Int32 {
        switch self {
        case .workers: Int32(MOLT_SLURM_WORKERS)
        case .batch: Int32(MOLT_SLURM_BATCH)
        case .all: Int32(MOLT_SLURM_ALL)
        }
    }
}

extension JobChange {
    fileprivate var number: Int32 {
        switch self {
        case .beginNow: Int32(MOLT_SLURM_BEGIN_NOW)
        case .hold: Int32(MOLT_SLURM_HOLD)
        case .release: Int32(MOLT_SLURM_RELEASE)
        }
    }
}
