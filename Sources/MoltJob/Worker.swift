import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// `molt-job worker PLAN`: starts one rank, stays beside it, records how it ended.
///
/// The scheduler's signals reach the rank directly (they go to the whole group or container); the watcher ignores them.
package enum Worker {
    /// Its own exit status is 0 for "done" and for "continue me": srun ends a step at the first other one, and ranks
    /// that are still saving must not die of another's 75. The record tells the truth.
    package static func run(planPath: String, environment: [String: String]) -> Int32 {
        // Known before the rank starts: from then on the job can die at any moment.
        let parent = getppid()
        Signals.block()
        let plan: LaunchPlan, place: Place
        do {
            plan = try JSONFile.read(LaunchPlan.self, from: planPath)
            place = try Place(plan: plan, environment: environment)
        } catch {
            JobLog.complain("\(error)")
            return 1
        }
        let startedAt = Clock.now()
        let child: Child
        do {
            guard chdir(plan.workingDirectory) == 0 else { throw FileError("enter", plan.workingDirectory) }
            var own = place.workerEnvironment(environment)
            own["PWD"] = plan.workingDirectory
            child = try Child.start(plan.command, environment: own, output: place.log, ownGroup: false)
        } catch {
            JobLog.complain("\(error)")
            return place.record(status: 127, signal: nil, startedAt: startedAt)
        }
        return watch(child, place, parent: parent, startedAt: startedAt)
    }

    private static func watch(_ child: Child, _ place: Place, parent: pid_t, startedAt: Double) -> Int32 {
        var hasDumped = false, hasStopped = false
        while true {
            _ = Signals.wait(seconds: 1)
            while let (pid, word) = Child.reapAny() {
                guard pid == child.pid else { continue }
                return place.record(status: Child.status(word), signal: Child.signal(word), startedAt: startedAt)
            }
            if getppid() != parent {
                // Whoever would end this rank with the job is gone: nobody may keep training alone.
                kill(child.pid, SIGKILL)
            }
            if !hasStopped, access(stopMark(place.folder), F_OK) == 0 {
                hasStopped = true
                for pid in Orphans.descendants(of: getpid()) { kill(pid, SIGTERM) }
            }
            if !hasDumped, access(hangMark(place.folder), F_OK) == 0 {
                hasDumped = true
                for pid in Orphans.descendants(of: getpid()).sorted() { StackDump.write(pid, to: place.log) }
            }
        }
    }

    /// Files by which molt-job speaks to the watchers of an incarnation, on whatever node they are.
    static func stopMark(_ folder: String) -> String { "\(folder)/stop" }
    static func hangMark(_ folder: String) -> String { "\(folder)/hang" }

    /// Where this rank stands in the run, from Slurm's variables or (local site) from ours.
    struct Place {
        let plan: LaunchPlan
        let rank: Int
        let localRank: Int
        let nodeRank: Int
        let epoch: Int
        let folder: String
        let host: String

        init(plan: LaunchPlan, environment: [String: String]) throws(UserError) {
            func number(_ name: String) throws(UserError) -> Int {
                guard let value = environment[name].flatMap({ Int($0) }) else {
                    throw UserError("the variable \(name) is not set; was this started by molt-job run?")
                }
                return value
            }
            self.plan = plan
            let isSlurm = plan.launcher == .srun
            rank = try number(isSlurm ? "SLURM_PROCID" : WorkerEnvironment.rank)
            localRank = try number(isSlurm ? "SLURM_LOCALID" : WorkerEnvironment.localRank)
            nodeRank = isSlurm ? try number("SLURM_NODEID") : 0
            epoch = try number(WorkerEnvironment.epoch)
            let incarnation = try number(WorkerEnvironment.restart)
            folder = RunFolder(path: plan.runFolder).incarnation(attempt: plan.attempt, incarnation: incarnation)
            host = environment["SLURMD_NODENAME"] ?? JobContext.hostName()
        }

        var log: String { "\(folder)/rank-\(rank).log" }

        func workerEnvironment(_ inherited: [String: String]) -> [String: String] {
            let run = RunFolder(path: plan.runFolder)
            var result = inherited
            result.merge(plan.environment) { _, own in own }
            result[WorkerEnvironment.rank] = "\(rank)"
            result[WorkerEnvironment.localRank] = "\(localRank)"
            result[WorkerEnvironment.worldSize] = "\(plan.nodes * plan.ranksPerNode)"
            result[WorkerEnvironment.localWorldSize] = "\(plan.ranksPerNode)"
            result[WorkerEnvironment.nodeRank] = "\(nodeRank)"
            result[WorkerEnvironment.runFolder] = plan.runFolder
            result[WorkerEnvironment.checkpoints] = run.checkpoints
            result[WorkerEnvironment.attempt] = "\(plan.attempt)"
            result[WorkerEnvironment.key] = plan.key.rawValue
            result[WorkerEnvironment.progressFile] = run.events(epoch: epoch, writer: .rank(rank))
            return result
        }

        /// Writes the record and returns the watcher's own exit status.
        func record(status: Int32?, signal: Int32?, startedAt: Double) -> Int32 {
            let end = RankEnd(
                rank: rank, host: host, status: status, signal: signal, startedAt: startedAt, endedAt: Clock.now())
            try? JSONFile.write(end, to: RankEnd.path(folder: folder, rank: rank))
            return end.code == JobExit.continueMe.rawValue || end.diedOfStopSignal ? 0 : end.code
        }
    }
}

/// What the kernel tells about a silent program: state, and for each thread what it waits for.
enum StackDump {
    static func write(_ pid: Int32, to path: String) {
        var text = "\n--- no progress: state of the worker (pid \(pid)) ---\n"
        text += read("/proc/\(pid)/status") ?? "it is gone\n"
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
        for thread in threads.sorted().prefix(256) {
            let folder = "/proc/\(pid)/task/\(thread)"
            let name = read("\(folder)/comm")?.filter { !$0.isNewline } ?? "?"
            let waits = read("\(folder)/wchan") ?? "?"
            let call = read("\(folder)/syscall")?.split(separator: " ").first ?? "?"
            text += "thread \(thread) \(name): waits in \(waits), system call \(call)\n"
            if let stack = read("\(folder)/stack"), !stack.isEmpty { text += stack }
        }
        text += "--- end ---\n"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }

    private static func read(_ path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }
}
