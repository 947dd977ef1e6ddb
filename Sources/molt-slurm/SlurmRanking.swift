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
            (JobRanking.fairShare, cluster.weight_fair_share), ("waiting time", cluster.weight_age),
            ("job size", cluster.weight_size), ("partition", cluster.weight_partition),
            ("quality of service", cluster.weight_qos), ("association", cluster.weight_association),
        ]
        var ranking = JobRanking(
            of: job, among: waiting, rule: String(cString: cluster.priority_type),
            weights: Dictionary(uniqueKeysWithValues: weights))
        ranking?.points = points(of: job)
        return .ranking(ranking)
    }

    /// Nil where it is not told; the rest of the answer does not depend on it.
    private static func points(of job: UInt32) -> [String: Double]? {
        var factors = molt_slurm_factors()
        guard molt_slurm_load_factors(job, &factors) == 0, factors.is_known != 0 else { return nil }
        return [
            JobRanking.fairShare: factors.fair_share, "waiting time": factors.age, "job size": factors.size,
            "partition": factors.partition, "quality of service": factors.qos, "association": factors.association,
        ]
    }
}
