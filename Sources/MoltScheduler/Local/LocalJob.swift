package import MoltCore

/// One job of the local site: what is written to its file, and all that decides what becomes of it.
package struct LocalJob: Codable, Hashable, Sendable {
    package var status: JobStatus
    package var request: JobRequest
    package var phase: Phase
    /// Counts the starts; names their files. The restart count runs ahead of it while a job is being put back.
    package var incarnation: Int
    package var isHeld: Bool
    /// Indices of the GPUs it holds.
    package var gpus: [Int]
    /// The warning before the time limit went out.
    package var isWarned: Bool
    /// While it is being preempted: when the grace is over.
    package var graceEndsAt: Double?
    /// While it is being ended: when SIGKILL comes.
    package var killAt: Double?
    /// When it ended for good.
    package var endedAt: Double?

    package enum Phase: String, Codable, Sendable {
        case waiting
        /// The intent to start it is on disk; its keeper may not be there yet.
        case starting
        case running
        case ended
    }

    package var id: UInt32 { status.job }
    /// It holds its resources as long as anything of it may live.
    package var holdsResources: Bool { phase == .starting || phase == .running }
    package var cpus: Int { request.ranksPerNode * request.cpusPerRank }
    /// The stem of this incarnation's files.
    package var stem: String { "\(id).\(incarnation)" }

    package init(id: UInt32, request: JobRequest, partition: String, userID: UInt32, now: Double) {
        status = JobStatus(job: id, name: request.name, comment: request.key.comment, userID: userID, state: .pending)
        status.partition = partition
        status.timeLimit = request.timeLimit
        status.submittedAt = now
        status.eligibleAt = now
        self.request = request
        phase = .waiting
        incarnation = 0
        isHeld = request.held
        gpus = []
        isWarned = false
        if isHeld { setReason(.heldByUser) }
    }

    package mutating func setReason(_ reason: PendingReason) {
        status.reasonCode = reason.rawValue
        status.reason = reason.word
    }

    /// A stop is on its way, or has come: SIGTERM now, SIGKILL after `killWait`. `state` is what it will have been.
    package mutating func beginEnding(as state: JobState, reason: PendingReason, now: Double, killWait: Double) {
        status.state = state
        status.flags.insert(.completing)
        setReason(reason)
        graceEndsAt = nil
        killAt = now + killWait
        if state == .pending { status.restartCount = incarnation + 1 }
    }

    /// Nothing of it lives any more.
    package mutating func finish(word: Int32, now: Double) {
        status.flags.remove(.completing)
        status.exitWord = word
        status.endsAt = now
        endedAt = now
        phase = .ended
        gpus = []
        killAt = nil
        graceEndsAt = nil
    }

    /// Back into the queue under the same number.
    package mutating func putBack(now: Double, delay: Double) {
        status.state = .pending
        status.flags.remove(.completing)
        incarnation += 1
        status.restartCount = incarnation
        status.nodes = []
        status.startedAt = nil
        status.endsAt = nil
        status.preemptedAt = nil
        status.submittedAt = now
        status.eligibleAt = now + delay
        phase = .waiting
        gpus = []
        isWarned = false
        killAt = nil
        graceEndsAt = nil
        setReason(isHeld ? .heldByUser : .beginTime)
    }
}

/// Slurm's numbers and words for why a job waits or failed; those that the local site gives.
package enum PendingReason: UInt32, Sendable {
    case none = 0, priority = 1, resources = 3, partitionTimeLimit = 5, partitionDown = 6, beginTime = 9
    case heldByUser = 16, launchFailed = 23, exitCode = 24, timeLimit = 25

    package var word: String {
        switch self {
        case .none: "None"
        case .priority: "Priority"
        case .resources: "Resources"
        case .partitionTimeLimit: "PartitionTimeLimit"
        case .partitionDown: "PartitionDown"
        case .beginTime: "BeginTime"
        case .heldByUser: "JobHeldUser"
        case .launchFailed: "JobLaunchFailure"
        case .exitCode: "NonZeroExitCode"
        case .timeLimit: "TimeLimit"
        }
    }
}
