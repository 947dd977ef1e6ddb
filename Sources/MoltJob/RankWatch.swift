import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Stays beside a rank until it has ended: carries out orders, and ends it when it may not or cannot go on and nobody
/// else is there to do it.
struct RankWatch {
    private let child: Child
    private let place: Worker.Place
    private let parent: pid_t
    private let startedAt: Double
    private let fence: FenceGuard
    /// Of this rank alone. `molt-job` on the first node decides earlier; this is for when it cannot any more.
    private var progress: ProgressWatch
    private var events: EventTail
    private var done: Set<Orders.Order> = []
    /// What to record instead of the SIGKILL by which we ended the rank.
    private var verdict: (status: Int32, reason: String)?

    private var nextReading = 0.0

    private static let interval = 1.0
    private static let readingInterval = 10.0
    /// Seconds by which `molt-job`'s own decision comes first.
    private static let reserve = 60.0

    init(child: Child, place: Worker.Place, parent: pid_t, startedAt: Double) {
        self.child = child
        self.place = place
        self.parent = parent
        self.startedAt = startedAt
        let now = Clock.steady(), plan = place.plan
        fence = FenceGuard(epoch: place.epoch, lease: plan.lease, epochs: place.run.epochs, now: now)
        // Other ranks may have good reasons to let this one wait, so the longest of all budgets counts here.
        let longest = (plan.silence.values.max() ?? 0) + Self.reserve
        let phases = plan.silence.mapValues { _ in longest }
        progress = ProgressWatch(silence: phases, stepFloor: longest, isForeign: plan.isForeign, now: now)
        events = EventTail(run: place.run, epoch: place.epoch, rank: place.rank)
    }

    /// - Returns: the status to exit with.
    mutating func untilTheEnd() -> Int32 {
        fence.start()
        while true {
            _ = Signals.wait(seconds: Self.interval)
            while let (pid, word) = Child.reapAny() {
                guard pid == child.pid else { continue }
                fence.retire()
                if let (status, reason) = verdict {
                    return place.record(status: status, signal: nil, startedAt: startedAt, reason: reason)
                }
                return place.record(status: Child.status(word), signal: Child.signal(word), startedAt: startedAt)
            }
            // Whoever would end this rank with the job is gone: nobody may keep training alone.
            if getppid() != parent { kill(child.pid, SIGKILL) }
            guard verdict == nil else { continue }
            let now = Clock.steady()
            obey()
            checkFence(now)
            checkProgress(now)
        }
    }

    private mutating func obey() {
        for order in Orders.given(place.folder) where done.insert(order).inserted {
            switch order {
            case .stop: for pid in Orphans.descendants(of: getpid()) { kill(pid, SIGTERM) }
            case .dump: dump()
            }
        }
    }

    private func dump() {
        let others = Orphans.descendants(of: getpid()).filter { $0 != child.pid }.sorted()
        let found = StackDump(log: place.log).take(rank: child.pid, others: others)
        let report = HangReport(rank: place.rank, host: place.host, state: found.state, waitsIn: found.waitsIn)
        try? JSONFile.write(report, to: HangReport.path(folder: place.folder, rank: place.rank))
    }

    private mutating func checkFence(_ now: Double) {
        switch fence.finding(now: now) {
        case .owner: return
        case .fenced(let epoch): end(JobExit.fenced.rawValue, "epoch \(epoch) has taken the run over")
        case .cutOff(let text): end(JobExit.fileTrouble, text)
        }
        fence.acted()
    }

    private mutating func checkProgress(_ now: Double) {
        if now >= nextReading {
            nextReading = now + Self.readingInterval
            for (rank, event) in events.newEvents() { progress.handle(event, rank: rank, now: now) }
        }
        guard let text = progress.look(now: now) else { return }
        dump()
        end(JobExit.noProgress.rawValue, text)
    }

    private mutating func end(_ status: Int32, _ reason: String) {
        verdict = (status, reason)
        // First, as the words may go to a file system that does not answer.
        for pid in Orphans.descendants(of: getpid()) { kill(pid, SIGKILL) }
        JobLog.complain("rank \(place.rank): \(reason)")
    }
}
