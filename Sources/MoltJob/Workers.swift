import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The workers of this incarnation: children here, or one srun step over the allocation.
struct Workers {
    private var running: [Int32: Int] = [:]
    /// Wait words of children that ended, by rank; srun is rank -1.
    private(set) var words: [Int: Int32] = [:]
    private var recorded: Set<Int> = []
    let plan: LaunchPlan
    let folder: String
    /// Where the Slurm plugin, if the site has it, tells of ranks that ended badly.
    let pluginRecords: String

    var isEmpty: Bool { running.isEmpty }
    var count: Int { plan.nodes * plan.ranksPerNode }
    private static let launcher = -1

    init(plan: LaunchPlan, folder: String, pluginRecords: String) {
        self.plan = plan
        self.folder = folder
        self.pluginRecords = pluginRecords
    }

    mutating func start(planPath: String, environment: [String: String]) throws(FileError) {
        let program = ["\(plan.prefix)/bin/molt-job", "worker", planPath]
        switch plan.launcher {
        case .srun:
            let child = try Child.start(Self.step(plan) + program, environment: environment)
            running[child.pid] = Self.launcher
        case .local:
            for rank in 0..<count {
                var own = environment
                own[WorkerEnvironment.rank] = "\(rank)"
                own[WorkerEnvironment.localRank] = "\(rank)"
                running[try Child.start(program, environment: own).pid] = rank
            }
        }
    }

    /// The step's options; `--cpus-per-task` is spelt out because srun stopped taking it from the job in 22.05.
    static func step(_ plan: LaunchPlan) -> [String] {
        [
            "srun", "--nodes=\(plan.nodes)", "--ntasks=\(plan.nodes * plan.ranksPerNode)",
            "--ntasks-per-node=\(plan.ranksPerNode)", "--cpus-per-task=\(plan.cpusPerRank)", "--kill-on-bad-exit=1",
            "--wait=0", "--export=ALL", "--input=none", "--unbuffered", "--job-name=\(plan.name)",
        ] + plan.srunOptions
    }

    /// One answer from every node.
    static func preflightStep(_ plan: LaunchPlan) -> [String] {
        [
            "srun", "--nodes=\(plan.nodes)", "--ntasks=\(plan.nodes)", "--ntasks-per-node=1", "--cpus-per-task=1",
            "--export=ALL", "--input=none", "--job-name=preflight",
        ] + plan.srunOptions
    }

    /// Takes note of a child's end; returns the rank of a worker (nil for srun and for strangers).
    mutating func ended(pid: Int32, word: Int32) -> Int? {
        guard let rank = running.removeValue(forKey: pid) else { return nil }
        words[rank] = word
        // What a rank leaves behind ends with it.
        if plan.launcher == .local { kill(-pid, SIGKILL) }
        return rank == Self.launcher ? nil : rank
    }

    /// To srun alone, which passes it on to every task; or to every rank's group.
    func signal(_ signal: Int32) {
        for pid in running.keys { kill(plan.launcher == .srun && signal != SIGKILL ? pid : -pid, signal) }
    }

    /// srun takes SIGTERM as an order to kill the step after KillWait, but passes SIGUSR1 on, which our workers know.
    /// A foreign program may only know SIGTERM: its watchers deliver that when they see the mark.
    func askToStop(_ signal: Int32) {
        switch (plan.launcher, plan.isForeign) {
        case (.local, _): self.signal(signal)
        case (.srun, false): self.signal(SIGUSR1)
        case (.srun, true): Orders.give(.stop, folder)
        }
    }

    var runningRanks: Set<Int> {
        plan.launcher == .local ? Set(running.values) : []
    }

    /// The ranks that have left no record of their end.
    func live() -> Set<Int> { Set(0..<count).subtracting(ends().map(\.rank)) }

    /// The states in which silent ranks were found, as far as their watchers have written them down.
    func hangReports() -> [HangReport] {
        (0..<count).compactMap { try? JSONFile.read(HangReport.self, from: HangReport.path(folder: folder, rank: $0)) }
    }

    /// How each rank ended: its watcher's record, else what the plugin saw of the watcher (which may be killed, too),
    /// else what the wait word of a local child says.
    func ends() -> [RankEnd] {
        let seen = RankEnd.ofPlugin(folder: pluginRecords)
        return (0..<count).compactMap { rank in
            if let end = try? JSONFile.read(RankEnd.self, from: RankEnd.path(folder: folder, rank: rank)) { return end }
            if let end = seen[rank] { return end }
            guard let word = words[rank] else { return nil }
            let now = Clock.now()
            return RankEnd(
                rank: rank, host: JobContext.hostName(), status: Child.status(word), signal: Child.signal(word),
                startedAt: now, endedAt: now)
        }
    }

    /// The records of ranks that have ended since the last call.
    mutating func newRecords() -> [RankEnd] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        var found: [RankEnd] = []
        for name in names where name.hasPrefix("rank-") && name.hasSuffix(".exit.json") {
            guard let rank = Int(name.dropFirst("rank-".count).dropLast(".exit.json".count)), !recorded.contains(rank),
                let end = try? JSONFile.read(RankEnd.self, from: RankEnd.path(folder: folder, rank: rank))
            else { continue }
            recorded.insert(rank)
            found.append(end)
        }
        return found
    }

    /// srun's own exit status; 0 for local workers.
    var launcherCode: Int32 {
        guard let word = words[Self.launcher] else { return 0 }
        return Child.status(word) ?? 128 + (Child.signal(word) ?? 0)
    }
}
