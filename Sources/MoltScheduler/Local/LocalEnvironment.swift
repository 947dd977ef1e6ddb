import MoltCore

/// What the batch shell of a local job finds, as under Slurm.
enum LocalEnvironment {
    static func variables(of job: LocalJob, settings: LocalSettings, mark: String) -> [String: String] {
        let request = job.request
        var variables = SubmissionEnvironment.variables(of: request)
        let ranks = request.ranksPerNode
        let own: [String: String] = [
            "SLURM_JOB_ID": "\(job.id)", "SLURM_JOBID": "\(job.id)", "SLURM_JOB_NAME": request.name,
            "SLURM_JOB_PARTITION": job.status.partition, "SLURM_CLUSTER_NAME": "local",
            "SLURM_JOB_NODELIST": settings.nodeName, "SLURM_NODELIST": settings.nodeName,
            "SLURMD_NODENAME": settings.nodeName, "SLURM_JOB_NUM_NODES": "1", "SLURM_NNODES": "1",
            "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0",
            "SLURM_NTASKS": "\(ranks)", "SLURM_NPROCS": "\(ranks)", "SLURM_NTASKS_PER_NODE": "\(ranks)",
            "SLURM_TASKS_PER_NODE": "\(ranks)", "SLURM_CPUS_PER_TASK": "\(request.cpusPerRank)",
            "SLURM_CPUS_ON_NODE": "\(job.cpus)", "SLURM_JOB_CPUS_PER_NODE": "\(job.cpus)",
            "SLURM_SUBMIT_DIR": request.workingDirectory, "SLURM_JOB_USER": variables["USER"] ?? "",
            LocalProcesses.mark: mark,
        ]
        variables.merge(own) { $1 }
        if job.status.restartCount > 0 { variables["SLURM_RESTART_COUNT"] = "\(job.status.restartCount)" }
        if let started = job.status.startedAt { variables["SLURM_JOB_START_TIME"] = "\(Int(started))" }
        if let ends = job.status.endsAt { variables["SLURM_JOB_END_TIME"] = "\(Int(ends))" }
        if !job.gpus.isEmpty {
            let list = job.gpus.map(String.init).joined(separator: ",")
            variables["CUDA_VISIBLE_DEVICES"] = list
            variables["SLURM_JOB_GPUS"] = list
            variables["SLURM_GPUS_ON_NODE"] = "\(job.gpus.count)"
        }
        return variables
    }
}
