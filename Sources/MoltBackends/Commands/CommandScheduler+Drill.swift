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
            ["--noheader", "--all", "--local", "--states=pending", "--format=%A %Q %U %a %P"])
        var account = ""
        let waiting = try answer.split(separator: "\n").map { line throws(SchedulerError) in
            let words = line.split(separator: " ", maxSplits: 4)
            guard words.count == 5, let number = UInt32(words[0]), let priority = UInt32(words[1]),
                let user = UInt32(words[2])
            else { throw .unavailable(message: "squeue tells how jobs stand in words that are not its own") }
            if number == job { account = String(words[3]) }
            return JobRanking.Waiting(
                job: number, priority: priority, user: user, partition: String(words[4].filter { $0 != " " }))
        }
        let names = [
            "FairShare": JobRanking.fairShare, "Age": "waiting time", "JobSize": "job size", "Partition": "partition",
            "QOS": "quality of service", "Assoc": "association",
        ]
        var weights: [String: UInt32] = [:]
        for (name, words) in names { weights[words] = settings["PriorityWeight\(name)"].flatMap { UInt32($0) } }
        var ranking = JobRanking(of: job, among: waiting, rule: settings["PriorityType"] ?? "", weights: weights)
        guard ranking?.rule.hasSuffix("multifactor") == true else { return ranking }
        // What these cannot tell is left out: not every site has them, or lets everybody use them.
        ranking?.points = points(of: job)
        ranking?.share = share(in: account)
        return ranking
    }

    private func points(of job: UInt32) -> [String: Double]? {
        let answer = try? text(
            .ranking(job), "sprio", ["--noheader", "--local", "--jobs=\(job)", "--format=%A %B %F %J %P %Q"])
        // A job that waits in several partitions has a line for each.
        guard let line = answer?.split(separator: "\n").first else { return nil }
        let words = line.split(separator: " "), numbers = words.compactMap { Double($0) }
        guard words.count == 6, numbers.count == 6, numbers.allSatisfy(\.isFinite) else { return nil }
        return Dictionary(
            uniqueKeysWithValues: zip(
                ["waiting time", "association", JobRanking.fairShare, "job size", "partition", "quality of service"],
                numbers))
    }

    private func share(in account: String) -> JobRanking.FairShare? {
        let answer = try? text(
            .ranking(0), "sshare",
            ["--noheader", "--parsable2", "--Users", "--format=Account,User,NormShares,EffectvUsage,FairShare"])
        let rows = (answer ?? "").split(separator: "\n").compactMap { line -> JobRanking.FairShare? in
            let fields = line.split(separator: "|", omittingEmptySubsequences: false)
            guard fields.count == 5, !fields[1].isEmpty, let allotted = Double(fields[2]), let used = Double(fields[3]),
                let factor = Double(fields[4]), [allotted, used, factor].allSatisfy((0...1).contains)
            else { return nil }
            return .init(
                account: String(fields[0].filter { $0 != " " }), allotted: allotted, used: used, factor: factor)
        }
        return rows.first { $0.account == account }
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
        // `resume` afterwards would end what somebody else began.
        let now = try state(of: node, operation)
        guard ["DOWN", "DRAIN", "FAIL"].allSatisfy({ !now.contains($0) }) else {
            throw .later(message: JobFault.withdrawn(node))
        }
        let started = MonotonicTime.now()
        let reason = "molt drill node-fail of job \(status.job)"
        try act(operation, ["scontrol", "update", "NodeName=\(node)", "State=down", "Reason=\(reason)"])
        // The controller takes the job off the node at once, or nearly so.
        while MonotonicTime.now() < started + JobFault.nodeLeaveSeconds {
            guard let now = try? load(status.job), now.state == .running, now.restartCount == status.restartCount else {
                break
            }
            try? await Task.sleep(for: .milliseconds(250))
        }
        // A busy controller may refuse, and a node that came back by itself (ReturnToService=2) cannot be resumed: it
        // counts what the node is, and for a while.
        repeat {
            _ = try? act(operation, ["scontrol", "update", "NodeName=\(node)", "State=resume"])
            if let now = try? state(of: node, operation), !now.hasPrefix("DOWN") { return }
            try? await Task.sleep(for: .milliseconds(250))
        } while MonotonicTime.now() < started + JobFault.nodeReturnSeconds
        throw .later(message: "node \(node) is still down; \(JobFault.bringBack(node))")
    }

    /// As Slurm writes it: `MIXED+DRAIN`, `DOWN*`.
    private func state(of node: String, _ operation: SlurmOperation) throws(SchedulerError) -> Substring {
        let answer = try text(operation, "scontrol", ["show", "--oneliner", "node", node])
        guard let word = answer.split(separator: " ").first(where: { $0.hasPrefix("State=") }) else {
            throw .unavailable(message: "scontrol tells no state of node \(node)")
        }
        return word.dropFirst("State=".count)
    }

    func refuseInOutage() throws(SchedulerError) {
        guard MonotonicTime.now() >= outage else {
            throw .unavailable(message: "an outage on purpose (molt drill)")
        }
    }
}
