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
            let watcher = RankWatcher(rank: place.rank, host: place.host, process: .current())
            try JSONFile.write(watcher, to: RankWatcher.path(folder: place.folder, rank: place.rank))
            // The only place where a secret is more than its name.
            let variables = try SecretReference.resolved(plan.environment, home: environment["HOME"] ?? "/")
            var own = place.workerEnvironment(environment, with: variables)
            own["PWD"] = plan.workingDirectory
            child = try Child.start(plan.command, environment: own, output: place.log, ownGroup: false)
        } catch let error as UserError {
            JobLog.complain("\(error)")
            return place.record(
                status: JobExit.userError.rawValue, signal: nil, startedAt: startedAt, reason: error.what)
        } catch {
            JobLog.complain("\(error)")
            return place.record(status: 127, signal: nil, startedAt: startedAt)
        }
        var watch = RankWatch(child: child, place: place, parent: parent, startedAt: startedAt)
        return watch.untilTheEnd()
    }

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

        var run: RunFolder { RunFolder(path: plan.runFolder) }

        var log: String { "\(folder)/rank-\(rank).log" }

        func workerEnvironment(
            _ inherited: [String: String], with variables: [String: String]
        ) -> [String: String] {
            var result = inherited
            // Python tells its stacks when it is asked before it is killed.
            result["PYTHONFAULTHANDLER"] = result["PYTHONFAULTHANDLER"] ?? "1"
            result.merge(variables) { _, own in own }
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
        func record(status: Int32?, signal: Int32?, startedAt: Double, reason: String? = nil) -> Int32 {
            let end = RankEnd(
                rank: rank, host: host, status: status, signal: signal, startedAt: startedAt, endedAt: Clock.now(),
                reason: reason)
            try? JSONFile.write(end, to: RankEnd.path(folder: folder, rank: rank))
            return end.code == JobExit.continueMe.rawValue || end.diedOfStopSignal ? 0 : end.code
        }
    }
}
