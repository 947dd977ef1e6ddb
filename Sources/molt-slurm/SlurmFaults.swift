import CSlurm
import Glibc
import MoltCore
import MoltScheduler

/// Faults that are made on purpose, to one job of ours and to nobody else's.
enum SlurmFaults {
    static func inject(_ fault: JobFault, into job: UInt32, key: AttemptKey) -> SlurmAnswer {
        let status: JobStatus
        switch load(job) {
        case .success(let found): status = found
        case .failure(let failed): return SlurmService.failed(failed.code, reading: true)
        }
        guard status.carries(key), status.userID == geteuid() else { return .keyMismatch }
        guard status.state == .running else { return SlurmService.failed(notRunning) }
        return switch fault {
        case .endOfTime: shorten(status)
        case .nodeDown(let node): takeDown(node, status)
        case .outage: .misunderstood("an outage is not the helper's")
        }
    }

    private struct Failed: Error {
        var code: Int32
    }

    private static func load(_ job: UInt32) -> Result<JobStatus, Failed> {
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_one(job, &table)
        guard code == 0 else { return .failure(Failed(code: code)) }
        defer { molt_slurm_free_jobs(&table) }
        guard let status = JobStatus.all(in: table).first(where: { $0.job == job }) else {
            return .failure(Failed(code: unknownJob))
        }
        return .success(status)
    }

    private static func shorten(_ status: JobStatus) -> SlurmAnswer {
        guard status.startedAt != nil else { return SlurmService.failed(notRunning) }
        guard let minutes = status.nearLimit(now: Double(time(nil))) else { return .done }
        return SlurmService.done(molt_slurm_set_time_limit(status.job, minutes))
    }

    private static func takeDown(_ node: String, _ status: JobStatus) -> SlurmAnswer {
        guard status.nodes.contains(node) else { return SlurmService.failed(notRunning) }
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_all(&table)
        guard code == 0 else { return SlurmService.failed(code, reading: true) }
        let others = JobStatus.all(in: table).filter { other in
            other.job != status.job && !other.state.isTerminal && other.nodes.contains(node)
        }
        molt_slurm_free_jobs(&table)
        guard others.isEmpty else {
            let jobs = others.count == 1 ? "another job runs" : "\(others.count) other jobs run"
            return SlurmService.failed(nodesBusy, said: "\(jobs) on \(node), and would die too")
        }
        // `resume` afterwards would end what somebody else began.
        switch find(node) {
        case .failure(let failed): return SlurmService.failed(failed.code, reading: true)
        case .success(let found) where found?.isWithdrawn != false:
            return SlurmService.failed(nodesBusy, said: JobFault.withdrawn(node))
        case .success: break
        }
        let started = MonotonicTime.now()
        let down = molt_slurm_set_node(node, 1, "molt drill node-fail of job \(status.job)")
        guard down == 0 else { return SlurmService.failed(down) }
        waitUntilGone(status, until: started + JobFault.nodeLeaveSeconds)
        let up = bringUp(node, until: started + JobFault.nodeReturnSeconds)
        guard up != 0 else { return .done }
        return SlurmService.failed(up, said: "node \(node) is still down; \(JobFault.bringBack(node))")
    }

    /// Slurm's error when the node stays down. A busy controller may refuse, and a node that came back by itself
    /// (ReturnToService=2) cannot be resumed: it counts what the node is, and for a while.
    private static func bringUp(_ node: String, until end: Double) -> Int32 {
        var refusal: Int32 = 0
        repeat {
            refusal = molt_slurm_set_node(node, 0, "")
            if case .success(let found) = find(node), found?.isDown == false { return 0 }
            usleep(250_000)
        } while MonotonicTime.now() < end
        return refusal == 0 ? nodesBusy : refusal
    }

    /// The controller takes the job off the node at once, or nearly so.
    private static func waitUntilGone(_ before: JobStatus, until end: Double) {
        while MonotonicTime.now() < end {
            guard case .success(let now) = load(before.job) else { return }
            if now.state != .running || now.restartCount != before.restartCount { return }
            usleep(100_000)
        }
    }

    private static func find(_ node: String) -> Result<(isDown: Bool, isWithdrawn: Bool)?, Failed> {
        var cluster = molt_slurm_cluster()
        let code = molt_slurm_load_cluster(&cluster)
        guard code == 0 else { return .failure(Failed(code: code)) }
        defer { molt_slurm_free_cluster(&cluster) }
        let nodes = UnsafeBufferPointer(start: cluster.nodes, count: Int(cluster.node_count))
        return .success(nodes.first { String(cString: $0.name) == node }.map { found in
            (found.state & 0xf == 1, found.is_withdrawn != 0)
        })
    }

    // Slurm's numbers.
    private static let unknownJob: Int32 = 2017
    private static let nodesBusy: Int32 = 2016
    private static let notRunning: Int32 = 2086
}
