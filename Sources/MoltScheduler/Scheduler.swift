package import MoltCore

/// A place that runs jobs: the local machine or a Slurm cluster. One conformance suite runs against each backend.
///
/// No method retries, and none waits longer than its backend's deadline.
package protocol Scheduler: Sendable {
    /// Starts a job. `ambiguous` means that it may exist all the same: look it up by key before sending again.
    func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply

    /// Every job of this user and of Molt that the scheduler still knows, in one call, whatever its state.
    func loadJobs() async throws(SchedulerError) -> JobTable

    /// One job, or nil when the scheduler does not know it (any more).
    func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus?

    /// Ends a job for good. Fails with `.keyMismatch` unless the job carries `key`.
    func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError)

    /// Sends a signal to the workers, the batch shell or both.
    func signal(_ job: UInt32, key: AttemptKey, signal: Int32, to: SignalTarget) async throws(SchedulerError)

    /// Stops a running job and puts it back into the queue under the same id; does nothing to one that has ended.
    func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError)

    /// Changes a pending job.
    func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError)

    /// Gives a hand-written job of this user's a key of ours; one that has ended as an attempt of ours is put back into
    /// the queue. Doing it twice is harmless.
    func adopt(_ adoption: JobAdoption) async throws(SchedulerError)

    /// How a pending job stands among all that wait, of whatever user; nil where the site does not tell.
    func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking?

    /// Makes something happen to a running job that otherwise happens by itself.
    func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError)

    /// Limits, partitions and settings that decide how jobs behave here.
    func configuration() async throws(SchedulerError) -> SchedulerConfiguration

    /// Cheap: is the scheduler there?
    func ping() async throws(SchedulerError)

    /// Seconds for which a request that was sent just now proves who sent it, where that is another thing than a
    /// credential of munge (`SchedulerConfiguration.requestLife`); nil where it is not.
    func proofLife() async -> Double?
}

extension Scheduler {
    package func proofLife() async -> Double? { nil }
}

extension Scheduler {
    package func adopt(_ adoption: JobAdoption) async throws(SchedulerError) {
        throw .rejected(code: 0, message: "this site takes no jobs that somebody else submitted")
    }
}

extension Scheduler {
    package func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        throw .rejected(code: 0, message: "this fault cannot be made at this site")
    }
}

/// A fault that is made on purpose.
package enum JobFault: Hashable, Sendable, Codable {
    /// Its time limit comes within the next two minutes.
    case endOfTime
    /// This node of its own is down until the job has left it. Needs an operator's rights.
    case nodeDown(String)
    /// Nobody here reaches the scheduler for so many seconds.
    case outage(Double)

    /// Seconds after a node was declared down until its job must have left it, until it must be up again, and for the
    /// whole call: whoever ends it earlier leaves the node down.
    package static let nodeLeaveSeconds = 10.0
    package static let nodeReturnSeconds = 35.0
    package static let nodeCallSeconds = 60.0

    package static func bringBack(_ node: String) -> String {
        "bring it back: scontrol update nodename=\(node) state=resume"
    }

    package static func withdrawn(_ node: String) -> String {
        "node \(node) is drained or down already, and the drill would put it back into service"
    }
}

/// Which job is to carry which key.
package struct JobAdoption: Hashable, Sendable, Codable {
    package var job: UInt32
    /// What the job must be called: its number may be another's by now.
    package var name: String
    /// The key that it must carry; nil for none of ours.
    package var from: AttemptKey?
    package var to: AttemptKey
    package var excludedNodes: [String]

    package init(
        job: UInt32, name: String, from: AttemptKey? = nil, to key: AttemptKey, excludedNodes: [String] = []
    ) {
        self.job = job
        self.name = name
        self.from = from
        to = key
        self.excludedNodes = excludedNodes
    }
}

package enum SignalTarget: String, Codable, Sendable, CaseIterable {
    case workers, batch, all
}

package enum JobChange: Hashable, Sendable, Codable {
    /// Lets a job start that waits for its begin time.
    case beginNow
    case hold
    case release
}

package struct SubmitReply: Hashable, Sendable, Codable {
    package var job: UInt32
    /// What the scheduler said although it accepted (a held job, a plugin's message).
    package var warning: String?

    package init(job: UInt32, warning: String? = nil) {
        self.job = job
        self.warning = warning
    }
}

/// One look at the queue.
package struct JobTable: Hashable, Sendable, Codable {
    package var jobs: [JobStatus]
    /// The scheduler's own clock when it answered, in seconds since 1970.
    package var asOf: Double

    package init(jobs: [JobStatus], asOf: Double) {
        self.jobs = jobs
        self.asOf = asOf
    }
}
