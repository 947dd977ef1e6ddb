import CSlurm
import MoltScheduler

/// How a pending job stands among all that wait. Dear on a large cluster: only asked for when a person asks.
enum SlurmRanking {
    static func load(_ job: UInt32) -> SlurmAnswer {
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_all(&table)
        guard code == 0 else { return SlurmService.failed(code, reading: true) }
        defer { molt_slurm_free_jobs(&table) }
        let jobs = JobStatus.all(in: table)
        guard let own = jobs.first(where: { $0.job == job }), own.state == .pending, let priority = own.priority else {
            return .ranking(nil)
        }
        let ahead = jobs.filter { other in
            other.state == .pending && other.partition == own.partition && other.priority ?? 0 > priority
        }
        let others = Set(ahead.map(\.userID)).subtracting([own.userID])
        var cluster = molt_slurm_cluster()
        let loaded = molt_slurm_load_cluster(&cluster)
        guard loaded == 0 else { return SlurmService.failed(loaded, reading: true) }
        defer { molt_slurm_free_cluster(&cluster) }
        let weights: [(String, UInt32)] = [
            ("fair share", cluster.weight_fair_share), ("waiting time", cluster.weight_age),
            ("job size", cluster.weight_size), ("partition", cluster.weight_partition),
            ("quality of service", cluster.weight_qos), ("association", cluster.weight_association),
        ]
        return .ranking(
            JobRanking(
                priority: priority, ahead: ahead.count, usersAhead: others.count,
                rule: String(cString: cluster.priority_type),
                weights: Dictionary(uniqueKeysWithValues: weights.filter { $0.1 > 0 })))
    }
}
