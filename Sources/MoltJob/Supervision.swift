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
        var unfitNodes: [String]?

        init(_ verdict: Verdict) {
            self.verdict = verdict
        }
    }

    private let plan: LaunchPlan
    private let run: RunFolder
    private let context: JobContext
    private let epoch: Int
    private let folder: String
    private let log: JobLog
    private var workers: Workers
    private var supervisor: Supervisor
    private var watch: ProgressWatch
    private var events: EventTail
    /// Ranks that still ran when we began to end them: their end says nothing about the run.
    private var killed: Set<Int> = []
    private var nextLook = 0.0
    private var nextFenceCheck = 0.0

    static let lookInterval = 1.0
    static let fenceInterval = 10.0

    init(plan: LaunchPlan, run: RunFolder, context: JobContext, epoch: Int, folder: String, log: JobLog) {
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
        let left = context.endsAt.map { $0 - Clock.now() - plan.stopMargin }
        supervisor = Supervisor(
            stopAt: left.map { now + max(0, $0) }, killAfter: plan.killAfter, killsAfterStop: plan.isForeign)
        watch = ProgressWatch(silence: plan.silence, now: now)
        events = EventTail(run: run, epoch: epoch)
    }

    mutating func run(planPath: String, environment: [String: String]) -> Outcome {
        do throws(FileError) {
            try workers.start(planPath: planPath, environment: workerEnvironment(environment))
        } catch {
            workers.signal(SIGKILL)
            return Outcome(Verdict(code: 1, "cannot start the workers: \(error)"))
        }
        while !workers.isEmpty {
            if let signal = Signals.wait(seconds: 0.25), StopSignals.all.contains(signal) {
                log.say("\(StopSignals.name(signal)) received")
                perform(.stopAsked(signal: signal))
            }
            reap()
            look()
        }
        Orphans.killAll()
        while Child.reapAny() != nil {}
        look(force: true)
        return outcome()
    }

    private func workerEnvironment(_ inherited: [String: String]) -> [String: String] {
        var result = inherited
        result[WorkerEnvironment.epoch] = "\(epoch)"
        result[WorkerEnvironment.restart] = "\(context.incarnation)"
        result[WorkerEnvironment.mainAddress] = MainAddress.pick(plan: plan, hosts: context.hosts)
        result[WorkerEnvironment.mainPort] = "\(FreePort.pick())"
        if let end = context.endsAt {
            result[WorkerEnvironment.deadline] = "\(Int(end - max(1, plan.stopMargin / 4)))"
        }
        return result
    }

    // MARK: - What happens

    private mutating func reap() {
        while let (pid, word) = Child.reapAny() {
            guard let rank = workers.ended(pid: pid, word: word) else { continue }
            let code = workers.ends().first { $0.rank == rank }?.code ?? 1
            if code != 0, code != JobExit.continueMe.rawValue, !killed.contains(rank) { perform(.rankFailed) }
        }
    }

    private mutating func look(force: Bool = false) {
        let now = Clock.steady()
        guard force || now >= nextLook else { return }
        nextLook = now + Self.lookInterval
        for event in events.newEvents() { watch.handle(event, now: now) }
        guard !force else { return }
        if let text = watch.look(now: now) { perform(.hung(text)) }
        if access(run.stopRequest, F_OK) == 0 { perform(.stopAsked(signal: SIGTERM)) }
        if now >= nextFenceCheck {
            nextFenceCheck = now + Self.fenceInterval
            let newest = ClaimFolder(run: run).newestEpoch()
            if newest > epoch { perform(.fenced(epoch: newest)) }
        }
        perform(.tick)
    }

    private mutating func perform(_ event: Supervisor.Event) {
        for action in supervisor.handle(event, now: Clock.steady()) {
            switch action {
            case .askToStop(let signal):
                log.say("asking the workers to save and stop (\(StopSignals.name(signal)))")
                workers.askToStop(signal)
            case .terminate:
                killed.formUnion(workers.runningRanks)
                log.say("a rank has failed: ending the others")
                workers.signal(SIGTERM)
            case .dumpStacks:
                log.say(supervisor.hang ?? "no progress")
                log.event(.note, supervisor.hang ?? "no progress")
                try? DurableFile.write(Data(), to: Worker.hangMark(folder))
            case .kill:
                killed.formUnion(workers.runningRanks)
                log.say("killing the workers")
                workers.signal(SIGKILL)
            }
        }
    }

    // MARK: - What it means

    private func outcome() -> Outcome {
        var outcome = Outcome(verdict())
        outcome.stopSignal = supervisor.stopSignal
        outcome.stoppedForDeadline = supervisor.stopsForDeadline
        outcome.lastStep = watch.lastStep
        outcome.lastCheckpoint = watch.lastCheckpoint ?? newestCheckpoint()
        return outcome
    }

    private func verdict() -> Verdict {
        if let other = supervisor.fencedBy { return Verdict(.fenced, "epoch \(other) has taken the run over") }
        if let hang = supervisor.hang { return Verdict(.noProgress, hang) }
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

/// The address of the first node, on which we run.
enum MainAddress {
    /// Its name in Slurm if it resolves (the usual case), else this host's own name, else the loopback.
    static func pick(plan: LaunchPlan, hosts: [String]) -> String {
        guard plan.nodes > 1 else { return "127.0.0.1" }
        return ([hosts.first].compactMap { $0 } + [JobContext.hostName()]).first(where: resolves) ?? "127.0.0.1"
    }

    private static func resolves(_ name: String) -> Bool {
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, nil, &found) == 0 else { return false }
        freeaddrinfo(found)
        return true
    }
}

/// A port that nobody listens on right now, for the workers' rendezvous.
enum FreePort {
    static func pick() -> UInt16 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return fallback() }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
            }
        }
        return bound ? UInt16(bigEndian: address.sin_port) : fallback()
    }

    private static func fallback() -> UInt16 { UInt16.random(in: 20_000..<30_000) }
}
