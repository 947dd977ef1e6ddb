package import MoltCore

/// What the daemon and `molt-slurm` say to each other: one JSON message each way per call, a length of four bytes
/// (big endian) before each.
package struct SlurmCall: Codable, Sendable {
    package static let currentVersion = 2

    package var version: Int
    package var operation: SlurmOperation

    package init(_ operation: SlurmOperation) {
        version = Self.currentVersion
        self.operation = operation
    }
}

package enum SlurmOperation: Codable, Sendable {
    case submit(JobRequest)
    case loadJobs
    /// All jobs, but only what is other than at that look.
    case loadChanges(since: Int?)
    /// What the message before did not hold.
    case loadRest(of: Int)
    case load(UInt32)
    case cancel(UInt32, key: AttemptKey)
    case signal(UInt32, key: AttemptKey, signal: Int32, target: SignalTarget)
    case requeue(UInt32, key: AttemptKey)
    case update(UInt32, key: AttemptKey, change: JobChange)
    case adopt(JobAdoption)
    case inject(JobFault, into: UInt32, key: AttemptKey)
    case ranking(UInt32)
    case configuration
    case ping

    /// True when asking twice does no harm and no answer changes nothing.
    package var isReading: Bool {
        switch self {
        case .loadJobs, .loadChanges, .loadRest, .load, .ranking, .configuration, .ping: true
        case .submit, .cancel, .signal, .requeue, .update, .adopt, .inject: false
        }
    }

    package var job: UInt32? {
        switch self {
        case .load(let job), .ranking(let job), .cancel(let job, _), .signal(let job, _, _, _), .requeue(let job, _),
            .update(let job, _, _), .inject(_, let job, _):
            job
        case .adopt(let adoption): adoption.job
        case .submit, .loadJobs, .loadChanges, .loadRest, .configuration, .ping: nil
        }
    }
}

package enum SlurmAnswer: Codable, Sendable {
    case submitted(SubmitReply)
    case table(JobTable)
    case changes(JobChanges)
    case job(JobStatus?)
    case ranking(JobRanking?)
    case configuration(SchedulerConfiguration)
    case done
    /// The job carries another key.
    case keyMismatch
    /// Slurm's number, and its sentence. `reading` when the look before the act failed: nothing was sent then.
    case failed(code: Int32, text: String, reading: Bool)
    /// The call itself was not understood.
    case misunderstood(String)
}
