package import MoltCore
package import MoltScheduler

#if canImport(Glibc)
import Glibc
#endif

/// How jobs stand, and faults that are made on purpose.
extension CommandScheduler {
    /// Dear on a large cluster: only asked for when a person asks.
    package func ranking(_ job: UInt32) async throws(SchedulerError) -> JobRanking? {
        let settings = try loadSettings()
        // Among jobs that cannot be seen nobody can say how one stands.
        if settings["PrivateData"]?.split(separator: ",").contains("jobs") == true,
            settings["SlurmUser"]?.hasSuffix("(\(geteuid()))") != true { return nil }
        let answer = try text(
            .ranking(job), "squeue",
            ["--noheader", "--all", "--local", "--states=pending", "--format=%A %Q %U %P"])
        let waiting = try answer.split(separator: "\n").map { line throws(SchedulerError) in
            let words = line.split(separator: " ", maxSplits: 3)
            guard words.count == 4, let job = UInt32(words[0]), let priority = UInt32(words[1]),
                let user = UInt32(words[2])
            else { throw .unavailable(message: "squeue tells how jobs stand in words that are not its own") }
            return JobRanking.Waiting(
                job: job, priority: priority, user: user, partition: String(words[3].filter { $0 != " " }))
        }
        let names = [
            "FairShare": "fair share", "Age": "waiting time", "JobSize": "job size", "Partition": "partition",
            "QOS": "quality of service", "Assoc": "association",
        ]
        var weights: [String: UInt32] = [:]
        for (name, words) in names { weights[words] = settings["PriorityWeight\(name)"].flatMap { UInt32($0) } }
        return JobRanking(of: job, among: waiting, rule: settings["PriorityType"] ?? "", weights: weights)
    }

    package func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) async throws(SchedulerError) {
        let operation = SlurmOperation.inject(fault, into: job, key: key)
        if case .outage(let seconds) = fault {
            outage = MonotonicTime.now() + seconds
            return
        }
        let status = try own(job, key)
        try refuse(status.state != .running, job, "it does not run")
        switch fault {
        case .outage: break
        case .endOfTime:
            guard let minutes = status.nearLimit(now: now()) else { return }
            try act(operation, ["scontrol", "update", "JobId=\(job)", "TimeLimit=\(minutes)"])
        case .nodeDown(let node): try await takeDown(node, status, operation)
        }
    }

    private func takeDown(
        _ node: String, _ status: JobStatus, _ operation: SlurmOperation
    ) async throws(SchedulerError) {
        try refuse(!status.nodes.contains(node), status.job, "it does not run on \(node)")
        let others = try look(["--nodelist=\(node)"], operation).jobs.filter { other in
            other.job != status.job && !other.state.isTerminal && other.nodes.contains(node)
        }
        guard others.isEmpty else {
            let jobs = others.count == 1 ? "another job runs" : "\(others.count) other jobs run"
            throw .later(message: "\(jobs) on \(node), and would die too")
        }
        let reason = "molt drill node-fail of job \(status.job)"
        try act(operation, ["scontrol", "update", "NodeName=\(node)", "State=down", "Reason=\(reason)"])
        // The controller takes the job off the node at once, or nearly so.
        for _ in 0..<20 {
            guard let now = try load(status.job), now.state == .running, now.restartCount == status.restartCount else {
                break
            }
            try? await Task.sleep(for: .milliseconds(250))
        }
        // A busy controller may refuse, and a node that came back by itself (ReturnToService=2) cannot be resumed: it
        // counts what the node is, and for a while.
        for _ in 0..<40 {
            _ = try? act(operation, ["scontrol", "update", "NodeName=\(node)", "State=resume"])
            guard try text(operation, "scontrol", ["show", "--oneliner", "node", node]).contains(" State=DOWN") else {
                return
            }
            try? await Task.sleep(for: .milliseconds(250))
        }
        throw .later(
            message: "node \(node) is still down; bring it back: scontrol update nodename=\(node) state=resume")
    }

    func refuseInOutage() throws(SchedulerError) {
        guard MonotonicTime.now() >= outage else {
            throw .unavailable(message: "an outage on purpose (molt drill)")
        }
    }
}
