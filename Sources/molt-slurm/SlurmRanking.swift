import CSlurm
import MoltScheduler

/// How a pending job stands among all that wait. Dear on a large cluster: only asked for when a person asks.
enum SlurmRanking {
    static func load(_ job: UInt32) -> SlurmAnswer {
        var cluster = molt_slurm_cluster()
        let loaded = molt_slurm_load_cluster(&cluster)
        guard loaded == 0 else { return SlurmService.failed(loaded, reading: true) }
        defer { molt_slurm_free_cluster(&cluster) }
        // Among jobs that cannot be seen nobody can say how one stands.
        guard cluster.hides_jobs == 0 else { return .ranking(nil) }
        var table = molt_slurm_jobs()
        let code = molt_slurm_load_all(&table)
        guard code == 0 else { return SlurmService.failed(code, reading: true) }
        defer { molt_slurm_free_jobs(&table) }
        let waiting = JobStatus.all(in: table).filter { $0.state == .pending }.compactMap { job in
            job.priority.map {
                JobRanking.Waiting(job: job.job, priority: $0, user: job.userID, partition: job.partition)
            }
        }
        let weights: [(String, UInt32)] = [
            ("fair share", cluster.weight_fair_share), ("waiting time", cluster.weight_age),
            ("job size", cluster.weight_size), ("partition", cluster.weight_partition),
            ("quality of service", cluster.weight_qos), ("association", cluster.weight_association),
        ]
        return .ranking(
            JobRanking(
                of: job, among: waiting, rule: String(cString: cluster.priority_type),
                weights: Dictionary(uniqueKeysWithValues: weights)))
    }
}
