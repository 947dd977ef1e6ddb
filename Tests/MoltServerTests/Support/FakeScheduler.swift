import MoltCore
import MoltScheduler

/// A cluster of one's own making: jobs start, are preempted, end and vanish when the test says so.
actor FakeScheduler: Scheduler {
    private(set) var jobs: [UInt32: JobStatus] = [:]
    private(set) var requests: [UInt32: JobRequest] = [:]
    private(set) var submits = 0
    private(set) var loads = 0
    /// Looks at one job.
    private(set) var singles = 0
    private(set) var rankings = 0
    private var isStuck = false
    private var stuck: [CheckedContinuation<Void, Never>] = []
    private(set) var log: [String] = []
    private var nextID: UInt32 = 1
    private var isAway = false
    private var nextSubmit = Submit.accept
    private var silent: Set<String> = []
    private var requeueExit: [Int32] = []
    private var version = "fake"
    private var startedAt: Double = 0
    private let clock: ManualClock
    private var beforeConfiguration: (@Sendable () async -> Void)?
    private var refusal: SchedulerError?
    private var submitRefusal: SchedulerError?
    private var proof: Double?
    private var cost: Double = 0
    private var plugin: (@Sendable (inout JobStatus) -> Void)?

    enum Submit {
        case accept
        /// Taken, with something to say about it.
        case warn(String)
        case fail(SchedulerError)
        /// The job is created, the answer is lost.
        case loseAnswer
        /// The answer comes, the job is forgotten.
        case loseJob
    }

    init(clock: ManualClock) {
        self.clock = clock
    }

    // MARK: Scheduler

    func submit(_ request: JobRequest) async throws(SchedulerError) -> SubmitReply {
        let mode = nextSubmit
        nextSubmit = .accept
        if isAway { throw .unavailable(message: "no controller") }
        submits += 1
        if let submitRefusal { throw submitRefusal }
        let id = nextID
        switch mode {
        case .fail(let error): throw error
        case .loseJob:
            // The id is given to the next, unrelated job, as Slurm does.
            return SubmitReply(job: id)
        case .accept, .warn, .loseAnswer:
            nextID += 1
            var status = JobStatus(
                job: id, name: request.name, comment: request.key.comment, userID: 1000, state: .pending)
            status.reason = "Resources"
            status.partition = request.partition ?? "low"
            status.submittedAt = clock.now()
            status.timeLimit = request.timeLimit
            plugin?(&status)
            jobs[id] = status
            requests[id] = request
        }
        if case .loseAnswer = mode { throw .ambiguous(message: "timed out") }
        var reply = SubmitReply(job: id)
        if case .warn(let warning) = mode { reply.warning = warning }
        return reply
    }

    func loadJobs() async throws(SchedulerError) -> JobTable {
        if isAway { throw .unavailable(message: "no controller") }
        loads += 1
        clock.advance(cost)
        return JobTable(jobs: jobs.values.sorted { $0.job < $1.job }, asOf: clock.now().rounded(.down))
    }

    func load(_ job: UInt32) async throws(SchedulerError) -> JobStatus? {
        singles += 1
        if isStuck { await withCheckedContinuation { stuck.append($0) } }
        if isAway { throw .unavailable(message: "no controller") }
        return jobs[job]
    }

    func cancel(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        let status = try own(job, key)
        log.append("cancel \(job)")
        guard !status.state.isTerminal else { return }
        jobs[job]?.state = .cancelled
        jobs[job]?.exitWord = 9
    }

    func signal(_ job: UInt32, key: AttemptKey, signal: Int32, to: SignalTarget) async throws(SchedulerError) {
        _ = try own(job, key)
        log.append("signal \(job) \(signal)")
    }

    func requeue(_ job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        _ = try own(job, key)
        log.append("requeue \(job)")
    }

    func update(_ job: UInt32, key: AttemptKey, change: JobChange) async throws(SchedulerError) {
        let status = try own(job, key)
        if let refusal { throw refusal }
        log.append("\(change) \(job)")
        switch change {
        case .beginNow where !status.flags.contains(.completing): jobs[job]?.reason = "None"
        case .hold: jobs[job]?.reason = "JobHeldUser"
        case .release: jobs[job]?.reason = "Priority"
        case .beginNow: break  // overwritten, as Slurm does while the job is COMPLETING
        }
    }

    func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        _ = try own(job, key)
        if let refusal { throw refusal }
        log.append("\(fault) \(job)")
    }

    func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? {
        rankings += 1
        var ranking = JobRanking(
            priority: 40, ahead: 3, usersAhead: 2, rule: "priority/multifactor",
            weights: ["fair share": 750, "waiting time": 250])
        ranking.points = ["fair share": 30, "waiting time": 10]
        return ranking
    }

    func adopt(_ adoption: JobAdoption) async throws(SchedulerError) {
        if isAway { throw .unavailable(message: "no controller") }
        guard let status = jobs[adoption.job] else { throw .notFound(job: adoption.job) }
        if status.key == adoption.to { return }
        guard status.name == adoption.name, status.key == adoption.from else { throw .keyMismatch(job: adoption.job) }
        if status.state.isTerminal {
            guard adoption.from != nil else { throw .wrongState(job: adoption.job, message: "already done") }
            log.append("put back \(adoption.job)")
            jobs[adoption.job]?.state = .pending
            jobs[adoption.job]?.restartCount += 1
        }
        jobs[adoption.job]?.comment = adoption.to.comment
    }

    func configuration() async throws(SchedulerError) -> SchedulerConfiguration {
        if isAway { throw .unavailable(message: "no controller") }
        let hook = beforeConfiguration
        beforeConfiguration = nil
        await hook?()
        return SchedulerConfiguration(
            version: version, controllerStartedAt: startedAt, killWait: 5, minimumJobAge: 300, messageTimeout: 10,
            requeueDelay: 121, jobsRequeue: true, requeueExit: requeueExit, requeueExitHold: [],
            preemptMode: "REQUEUE",
            partitions: [
                .init(
                    name: "low", isDefault: true, isUp: true, timeLimit: 3600, defaultTime: nil, graceTime: 0,
                    preemptMode: "REQUEUE", priorityTier: 1, nodes: ["n1", "n2"]),
                .init(
                    name: "down", isDefault: false, isUp: false, timeLimit: nil, defaultTime: nil, graceTime: 0,
                    preemptMode: "OFF", priorityTier: 1, nodes: ["n1"]),
            ],
            nodes: ["n1", "n2"].map {
                .init(name: $0, cpus: 4, gpus: 4, memory: 1 << 30, responds: !silent.contains($0))
            })
    }

    func ping() async throws(SchedulerError) {
        if isAway { throw .unavailable(message: "no controller") }
    }

    func proofLife() -> Double? { proof }

    private func own(_ job: UInt32, _ key: AttemptKey) throws(SchedulerError) -> JobStatus {
        if isAway { throw .unavailable(message: "no controller") }
        guard let status = jobs[job] else { throw .notFound(job: job) }
        guard status.carries(key) else { throw .keyMismatch(job: job) }
        return status
    }

    // MARK: What the cluster does

    var lastRequest: JobRequest? { requests.max { $0.key < $1.key }?.value }
    func next(_ mode: Submit) { nextSubmit = mode }
    func goAway() { isAway = true }
    /// Each look takes so many seconds.
    func takeTime(_ seconds: Double) { cost = seconds }
    /// Something that happens while the next question about the settings is being answered.
    func whileAskedForSettings(_ body: @escaping @Sendable () async -> Void) { beforeConfiguration = body }
    func refuse(_ error: SchedulerError?) { submitRefusal = error }
    func prove(for seconds: Double?) { proof = seconds }
    func refuseUpdates(_ error: SchedulerError?) { refusal = error }
    func comeBack() { isAway = false }
    /// Questions after one job are not answered until it is told to.
    func hang() { isStuck = true }
    func answer() {
        isStuck = false
        for waiting in stuck { waiting.resume() }
        stuck = []
    }
    func forgetEverything() { jobs = [:] }
    func forget(_ job: UInt32) { jobs[job] = nil }
    /// The state that somebody had kept is brought back.
    func remember(_ kept: [UInt32: JobStatus]) { jobs = kept }

    /// A new controller process that knows all that the one before knew.
    func restart(version: String) {
        self.version = version
        startedAt = clock.now().rounded(.down)
    }

    func silence(_ nodes: Set<String>) { silent = nodes }
    func requeueOn(_ codes: [Int32]) { requeueExit = codes }

    /// A job of somebody else, who may get an id that we once had.
    func addStranger() -> UInt32 {
        let id = nextID
        nextID += 1
        jobs[id] = JobStatus(job: id, name: "stranger", comment: "", userID: 1000, state: .running)
        return id
    }

    /// A job that the user of the daemon has submitted without it.
    func addHandWritten(
        _ name: String = "train.sh", state: JobState = .running, output: String? = nil, group: UInt32? = nil
    ) -> UInt32 {
        let id = nextID
        nextID += 1
        jobs[id] = JobStatus(job: id, name: name, comment: "mine", userID: ProcessOwner.id, state: state)
        jobs[id]?.nodes = state == .running ? ["n1"] : []
        jobs[id]?.output = output
        jobs[id]?.group = group
        jobs[id]?.startedAt = state == .running ? clock.now() : nil
        return id
    }

    func start(_ job: UInt32, on nodes: [String] = ["n1"]) {
        jobs[job]?.state = .running
        jobs[job]?.flags = []
        jobs[job]?.reason = "None"
        jobs[job]?.nodes = nodes
        jobs[job]?.startedAt = clock.now()
        jobs[job]?.endsAt = clock.now() + 3600
    }

    /// A plugin of the site's has its way with what is submitted.
    func rewrite(_ body: @escaping @Sendable (inout JobStatus) -> Void) { plugin = body }

    /// Somebody uses `scontrol update`.
    func change(_ job: UInt32, _ body: @Sendable (inout JobStatus) -> Void) {
        if let status = jobs[job] {
            var changed = status
            body(&changed)
            jobs[job] = changed
        }
    }

    func wait(_ job: UInt32, for reason: String) { jobs[job]?.reason = reason }

    func preempt(_ job: UInt32) {
        jobs[job]?.state = .pending
        jobs[job]?.flags = [.completing]
        jobs[job]?.restartCount += 1
        jobs[job]?.preemptedAt = clock.now()
        jobs[job]?.reason = "BeginTime"
    }

    func drain(_ job: UInt32) {
        jobs[job]?.flags = []
        jobs[job]?.preemptedAt = nil
        jobs[job]?.eligibleAt = nil
    }

    func end(_ job: UInt32, _ state: JobState, status: Int32 = 0) {
        jobs[job]?.state = state
        jobs[job]?.exitWord = status << 8
        jobs[job]?.endsAt = clock.now()
        jobs[job]?.flags = []
    }

    /// Somebody submits the job's script once more.
    func copy(_ job: UInt32) -> UInt32 {
        let id = nextID
        nextID += 1
        guard let original = jobs[job] else { return id }
        var copy = JobStatus(
            job: id, name: original.name, comment: original.comment, userID: original.userID, state: original.state)
        copy.nodes = original.nodes
        copy.startedAt = original.startedAt
        jobs[id] = copy
        return id
    }

    func resurrect(_ job: UInt32) { jobs[job]?.state = .pending }

    func cancelFromOutside(_ job: UInt32) { end(job, .cancelled) }
}
