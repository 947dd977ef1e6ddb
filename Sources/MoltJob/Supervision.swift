import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Runs the workers under the supervisor's decisions: signals, children, event files, epochs and time.
struct Supervision {
    struct Outcome {
        var verdict: Verdict
        var stopSignal: Int32?
        var stoppedForDeadline = false
        var lastStep: Int?
        var lastCheckpoint: String?
        /// When the scheduler would have ended the job, as far as that became known.
        var endsAt: Double?
        var unfitNodes: [String]?

        init(_ verdict: Verdict) {
            self.verdict = verdict
        }
    }

    let plan: LaunchPlan
    let run: RunFolder
    let context: JobContext
    private let epoch: Int
    let folder: String
    let log: JobLog
    private var workers: Workers
    var supervisor: Supervisor
    private var watch: ProgressWatch
    private var stragglers: StragglerWatch
    private var events: EventTail
    /// Ranks that still ran when we began to end them: their end says nothing about the run.
    private var killed: Set<Int> = []
    private var watchers: Watchers
    private let fence: FenceGuard
    private var sign: SignOfLife
    /// Who would end this job's processes when the scheduler says so.
    private let parent = getppid()
    private var hasLostParent = false
    /// Ranks of a hang that could not have gone on.
    private var culprits: [String] = []
    private var nextLook = 0.0
    private var nextSign = 0.0
    private var nextRollCall = 0.0

    let environment: [String: String]
    /// When the scheduler ends this job.
    var end: EndWatch
    var question: EndQuestion?
    var limitSeen: Data?
    var nextLimitLook = 0.0

    static let lookInterval = 1.0
    static let limitInterval = 5.0
    static let rollCallInterval = 5.0

    init(
        plan: LaunchPlan, run: RunFolder, context: JobContext, epoch: Int, folder: String, log: JobLog,
        environment: [String: String]
    ) {
        self.plan = plan
        self.run = run
        self.context = context
        self.epoch = epoch
        self.folder = folder
        self.log = log
        workers = Workers(
            plan: plan, folder: folder,
            pluginRecords: run.pluginRecords(jobID: context.jobID, incarnation: context.incarnation))
        let now = Clock.steady()
        self.environment = environment
        end = EndWatch(endsAt: context.endsAt, isTold: context.isEndTold, job: context.jobID, now: now)
        supervisor = Supervisor(stopAt: nil, killAfter: plan.killAfter, killsAfterStop: plan.isForeign)
        watch = ProgressWatch(
            silence: plan.silence, stepFloor: plan.stepSilence, isForeign: plan.isForeign, now: now)
        stragglers = StragglerWatch(ranks: plan.nodes * plan.ranksPerNode)
        events = EventTail(run: run, epoch: epoch)
        watchers = Watchers(folder: folder, ranks: plan.nodes * plan.ranksPerNode)
        fence = FenceGuard(epoch: epoch, lease: plan.lease, epochs: run.epochs, now: now)
        sign = SignOfLife(incarnationFolder: folder)
        if let stopAt { _ = supervisor.handle(.deadlineMoved(to: stopAt), now: now) }
    }

    /// Only Slurm's jobs have a scheduler to ask that may change its mind.
    var asksForEnd: Bool { plan.launcher == .srun && context.jobID > 0 }

    mutating func run(planPath: String) -> Outcome {
        learnEnd(environment)
        do throws(FileError) {
            try Orders.prepare(folder)
            try workers.start(planPath: planPath, environment: workerEnvironment(environment))
        } catch {
            workers.signal(SIGKILL)
            return Outcome(Verdict(code: 1, "cannot start the workers: \(error)"))
        }
        do throws(InjectedFailure) {
            try Failpoints.pass(.workersStarted)
        } catch {
            workers.signal(SIGKILL)
            return Outcome(Verdict(code: 1, "\(error)"))
        }
        let exitCodes = plan.exitCodes
        fence.start { exitCodes[$0] ?? $0 }
        while !workers.isEmpty {
            if let signal = Signals.wait(seconds: 0.25), StopSignals.all.contains(signal) {
                log.say("\(StopSignals.name(signal)) received")
                perform(.stopAsked(signal: signal))
            }
            reap()
            look()
        }
        fence.retire()
        Orphans.killAll()
        while Child.reapAny() != nil {}
        look(force: true)
        if case .dumping = supervisor.phase { reportHang() }
        return outcome()
    }

    private func workerEnvironment(_ inherited: [String: String]) -> [String: String] {
        var result = inherited
        result[WorkerEnvironment.epoch] = "\(epoch)"
        result[WorkerEnvironment.restart] = "\(context.incarnation)"
        result[WorkerEnvironment.mainAddress] = MainAddress.pick(plan: plan, hosts: context.hosts)
        result[WorkerEnvironment.mainPort] = "\(FreePort.pick())"
        if let deadline = workersDeadline { result[WorkerEnvironment.deadline] = "\(deadline)" }
        if asksForEnd { result[WorkerEnvironment.deadlineFile] = deadlineFile }
        return result
    }

    // MARK: - What happens

    private mutating func reap() {
        while let (pid, word) = Child.reapAny() {
            if takesAnswer(pid: pid, word: word) { continue }
            guard let rank = workers.ended(pid: pid, word: word) else { continue }
            let code = workers.ends().first { $0.rank == rank }?.code ?? 1
            if code != 0, code != JobExit.continueMe.rawValue, !killed.contains(rank) { perform(.rankFailed) }
        }
    }

    private mutating func look(force: Bool = false) {
        let now = Clock.steady()
        guard force || now >= nextLook else { return }
        noticePause(now - nextLook)
        nextLook = now + Self.lookInterval
        let news = events.newEvents()
        for (rank, event) in news { watch.handle(event, rank: rank, now: now) }
        // A look finds several steps of one rank before those of the next: the same step of all is compared.
        let figures = news.filter { $0.event.own != nil }
        for (rank, event) in figures.sorted(by: { $0.event.step ?? 0 < $1.event.step ?? 0 }) {
            if let change = stragglers.handle(event, rank: rank) { tell(change) }
        }
        guard !force else { return }
        checkProgress(now)
        if access(run.stopRequest, F_OK) == 0 { perform(.stopAsked(signal: SIGTERM)) }
        checkParent()
        checkFence(now)
        callRoll(now)
        followEnd(now)
        if now >= nextSign {
            nextSign = now + SignOfLife.interval
            // Whether the run folder can still be used is the fence's to find out.
            try? sign.give()
            try? Failpoints.pass(.signGiven)
        }
        if !waitsForEnd { perform(.tick) }
    }

    /// Nobody ran between two looks: the scheduler had the job suspended, or the machine slept.
    ///
    /// - Parameter seconds: by which this look is late; meaningless before the first one.
    private mutating func noticePause(_ seconds: Double) {
        guard nextLook > 0, seconds > ProgressWatch.gapMax else { return }
        stragglers.interrupted()
        perform(.paused(seconds))
        if asksForEnd { end.resumed() }
    }

    private mutating func checkProgress(_ now: Double) {
        if case .dumping = supervisor.phase {
            if workers.live().isSubset(of: workers.hangReports().map(\.rank)) { perform(.dumped) }
            return
        }
        if watchers.areStopped(now: now) {
            watch.suspended(now: now)
            stragglers.interrupted()
        }
        if let text = watch.look(now: now) { perform(.hung(text)) }
    }

    /// Nothing is done about it: whether a slow node is worth a restart is for its user to say.
    private func tell(_ change: StragglerWatch.Change) {
        let text = change.sentence(ranks: workers.count) { rank in
            (try? JSONFile.read(RankWatcher.self, from: RankWatcher.path(folder: folder, rank: rank)))?.host
        }
        log.say(text)
        log.event(change == .even ? .slowRankOver : .slowRank, text)
    }

    /// Of a batch step without its slurmstepd Slurm does not know whether it has ended, for half an hour.
    private mutating func checkParent() {
        guard plan.launcher == .srun, !hasLostParent, getppid() != parent else { return }
        hasLostParent = true
        log.say("the scheduler's own process beside this job is gone: saving and stopping, to go on as another job")
        perform(.stopAsked(signal: SIGTERM))
    }

    private mutating func checkFence(_ now: Double) {
        switch fence.finding(now: now) {
        case .owner: return
        case .fenced(let epoch): perform(.fenced(epoch: epoch))
        case .cutOff(let text): perform(.cutOff(text))
        }
        fence.acted()
    }

    /// srun is the only child there is, and it does not hear of ranks that ended without their slurmstepd.
    private mutating func callRoll(_ now: Double) {
        guard plan.launcher == .srun, now >= nextRollCall else { return }
        nextRollCall = now + Self.rollCallInterval
        let failed = workers.newRecords().first { end in
            end.code != 0 && end.code != JobExit.continueMe.rawValue && !end.diedOfStopSignal
        }
        if failed != nil { perform(.rankFailed) }
    }

    private mutating func perform(_ event: Supervisor.Event) {
        for action in supervisor.handle(event, now: Clock.steady()) {
            switch action {
            case .askToStop(let signal):
                log.say("asking the workers to save and stop (\(StopSignals.name(signal)))")
                workers.askToStop(signal)
                // What was passed on is passed on: only a death means something here.
                try? Failpoints.pass(.stopPassedOn)
            case .terminate:
                killed.formUnion(workers.runningRanks)
                log.say("a rank has failed: ending the others")
                workers.signal(SIGTERM)
            case .dumpStacks:
                log.say(supervisor.hang ?? "no progress")
                log.event(.note, supervisor.hang ?? "no progress")
                Orders.give(.dump, folder)
            case .kill:
                killed.formUnion(workers.runningRanks)
                reportHang()
                // First, as the words may go to a file system that does not answer.
                workers.signal(SIGKILL)
                log.say("killing the workers")
            }
        }
    }

    /// What the watchers found, and who is missing.
    private mutating func reportHang() {
        guard supervisor.hang != nil else { return }
        let reports = workers.hangReports()
        for report in reports { log.say(report.sentence) }
        let silent = workers.live().subtracting(reports.map(\.rank)).sorted()
        if !silent.isEmpty { log.say("no word from the watchers of ranks \(silent)") }
        culprits = reports.filter(\.isCulprit).map(\.sentence)
    }

    // MARK: - What it means

    private func outcome() -> Outcome {
        var outcome = Outcome(verdict())
        outcome.stopSignal = supervisor.stopSignal
        outcome.stoppedForDeadline = supervisor.stopsForDeadline
        outcome.endsAt = end.endsAt
        outcome.lastStep = watch.lastStep
        outcome.lastCheckpoint = watch.lastCheckpoint ?? newestCheckpoint()
        return outcome
    }

    private func verdict() -> Verdict {
        if let other = supervisor.fencedBy { return Verdict(.fenced, "epoch \(other) has taken the run over") }
        if let trouble = supervisor.trouble { return Verdict(code: JobExit.fileTrouble, trouble) }
        if let hang = supervisor.hang {
            return Verdict(.noProgress, ([hang] + culprits.prefix(3)).joined(separator: "; "))
        }
        let ends = workers.ends(), wasStopped = supervisor.stopSignal != nil || supervisor.stopsForDeadline
        let isDone = ends.count == workers.count && ends.allSatisfy { $0.code == 0 }
        // A foreign program that had to be killed after the stop was asked for starts again where it can.
        if wasStopped, plan.isForeign, supervisor.phase == .killed, !isDone {
            return Verdict(.continueMe, "stopped: it did not end by itself in time")
        }
        return Verdict.of(
            ends, expected: workers.count, killed: killed, launcherCode: workers.launcherCode, stopAsked: wasStopped)
    }

    private func newestCheckpoint() -> String? {
        ((try? FileManager.default.contentsOfDirectory(atPath: run.checkpoints)) ?? [])
            .compactMap(CheckpointName.init(parsing:)).max()?.description
    }
}
