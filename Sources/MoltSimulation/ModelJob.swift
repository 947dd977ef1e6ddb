import MoltCore
import MoltScheduler

/// A job in the controller's memory.
struct ModelJob: Sendable {
    enum Hold: Hashable, Sendable { case user, admin, special, launchFailed }

    let id: UInt32
    /// The run that it was made for; nil for a stranger's job.
    let run: Int?
    let attempt: Int
    let key: AttemptKey?
    let name: String
    /// Its owner may write over it.
    var comment: String
    let nodesWanted: Int
    let timeLimit: Double
    let excluded: [Int]

    var base = JobState.pending
    var flags: JobFlags = []
    var hold: Hold?
    var isStuck = false
    /// The scheduler has looked at it since it came into the queue: only then is there a reason.
    var isConsidered = false
    /// When it was last considered, its partition was down.
    var isShutOut = false
    var restarts = 0
    var exitWord: Int32 = 0
    var nodes: [Int] = []
    /// Times by the controller's clock, whole seconds.
    var submittedAt: Double
    var beginsAt: Double
    var startedAt: Double?
    var endsAt: Double?
    var preemptedAt: Double?
    /// Which start of all starts the present one is; 0 before the first.
    var launch = 0
    /// Second in which its last incarnation was killed.
    var killedSecond: Double?

    var isFree: Bool { base == .pending && hold == nil && !isStuck && !flags.contains(.completing) }
    var holdsNodes: Bool { !nodes.isEmpty }
    var isLive: Bool { !base.isTerminal }

    func status(now: Double, names: [String]) -> JobStatus {
        var status = JobStatus(job: id, name: name, comment: comment, userID: 1000, state: base)
        status.flags = flags
        if hold == .special { status.flags.insert(.specialExit) }
        status.reason = reason(now: now)
        if hold == .launchFailed { status.detail = "launch failed requeued held" }
        status.restartCount = restarts
        status.exitWord = exitWord
        status.partition = "low"
        status.nodes = nodes.map { names[$0] }
        status.timeLimit = timeLimit
        status.submittedAt = submittedAt
        status.eligibleAt = beginsAt
        status.startedAt = startedAt
        status.endsAt = endsAt
        status.preemptedAt = preemptedAt
        return status
    }

    private func reason(now: Double) -> String {
        guard base == .pending else { return "None" }
        switch hold {
        case .user, .launchFailed: return "JobHeldUser"
        case .admin, .special: return "JobHeldAdmin"
        case nil: break
        }
        if isStuck { return "DependencyNeverSatisfied" }
        // While the old incarnation ends, no reason is given.
        if flags.contains(.completing) || !isConsidered { return "None" }
        if isShutOut { return "PartitionDown" }
        return beginsAt > now ? "BeginTime" : "Resources"
    }
}

/// What slurmctld knows, and what of it survives its death.
struct Controller: Sendable {
    enum Mode: Hashable, Sendable {
        case up, down
        /// Stopped: requests wait in its sockets.
        case hung
    }

    struct Memory: Sendable {
        var jobs: [ModelJob] = []
        var nextID: UInt32 = 1
    }

    var mode = Mode.up
    /// False while an administrator has the partition down: nothing starts, what runs goes on.
    var isPartitionUp = true
    var memory = Memory()
    /// As it lies on disk.
    var saved = Memory()
    var savedAt = -1000.0
    var isSaveDue = false
    var bootedAt = 0.0
    var busyUntil = 0.0
    /// Requests in its sockets while it hangs.
    var waiting: [Int] = []

    func index(of id: UInt32) -> Int? { memory.jobs.firstIndex { $0.id == id } }
}

struct ModelNode: Sendable {
    /// As the controller sees it.
    var isUp = true
    var responds = true
    /// The network between it and the controller.
    var isReachable = true
    var hasSlurmd = true
    var job: UInt32?

    var isUsable: Bool { isUp && responds && job == nil }
    var canBeTold: Bool { isReachable && hasSlurmd }
}
