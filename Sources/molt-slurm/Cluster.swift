import CSlurm
import MoltScheduler

extension JobStatus {
    static func all(in table: molt_slurm_jobs) -> [JobStatus] {
        UnsafeBufferPointer(start: table.jobs, count: Int(table.count)).map(JobStatus.init)
    }

    init(_ job: molt_slurm_job) {
        let base = job.state & 0xff, state = JobState(rawValue: Int(base)) ?? .unknown
        self.init(
            job: job.job, name: String(cString: job.name), comment: String(cString: job.comment), userID: job.user_id,
            state: state)
        flags = JobFlags(rawValue: job.state & ~0xff)
        reasonCode = job.reason
        reason = String(cString: job.reason_word)
        detail = state == .unknown ? "state \(base)" : String(cString: job.detail)
        restartCount = Int(job.restarts)
        exitWord = Int32(bitPattern: job.exit_word)
        partition = String(cString: job.partition)
        nodes = Cluster.names(job.nodes)
        timeLimit = Cluster.seconds(job.time_limit)
        submittedAt = Self.moment(job.submitted)
        priority = job.priority
        group = job.group == 0 ? nil : job.group
        eligibleAt = Self.moment(job.eligible)
        startedAt = Self.moment(job.started)
        endsAt = Self.moment(job.ends)
        preemptedAt = Self.moment(job.preempted)
        let path = String(cString: job.output)
        output = path.hasPrefix("/") ? path : nil
    }

    private static func moment(_ seconds: Int64) -> Double? { seconds > 0 ? Double(seconds) : nil }
}

/// The controller's settings, as far as they decide how jobs behave.
enum Cluster {
    static func load() -> SlurmAnswer {
        var cluster = molt_slurm_cluster()
        let code = molt_slurm_load_cluster(&cluster)
        guard code == 0 else { return SlurmService.failed(code, reading: true) }
        defer { molt_slurm_free_cluster(&cluster) }
        let authentication = String(cString: cluster.auth_info)
        let credentialLife = number(after: "cred_expire=", in: authentication) ?? 120
        let parameters = String(cString: cluster.scheduler_parameters)
        let delay = number(after: "requeue_delay=", in: parameters) ?? credentialLife
        var found = SchedulerConfiguration(
            version: "slurm \(String(cString: cluster.version))",
            controllerStartedAt: cluster.booted > 0 ? Double(cluster.booted) : nil,
            killWait: Double(cluster.kill_wait), minimumJobAge: Double(cluster.minimum_job_age),
            messageTimeout: Double(cluster.message_timeout), requeueDelay: delay + 1,
            requestLife: number(after: "ttl=", in: authentication) ?? SchedulerConfiguration.mungeLife,
            jobsRequeue: cluster.job_requeue != 0,
            requeueExit: ExitCodeList.codes(String(cString: cluster.requeue_exit)),
            requeueExitHold: ExitCodeList.codes(String(cString: cluster.requeue_exit_hold)),
            preemptMode: modeName(cluster.preempt_mode),
            partitions: UnsafeBufferPointer(start: cluster.partitions, count: Int(cluster.partition_count))
                .map(partition),
            nodes: UnsafeBufferPointer(start: cluster.nodes, count: Int(cluster.node_count)).map(node))
        found.schedulingDelay = number(after: "batch_sched_delay=", in: parameters) ?? 3
        return .configuration(found)
    }

    private static func partition(_ from: molt_slurm_partition) -> SchedulerConfiguration.Partition {
        SchedulerConfiguration.Partition(
            name: String(cString: from.name), isDefault: from.is_default != 0, isUp: from.is_up != 0,
            takesJobs: from.takes_jobs != 0, timeLimit: seconds(from.time_limit),
            defaultTime: seconds(from.default_time), graceTime: Double(from.grace),
            preemptMode: modeName(from.preempt_mode), priorityTier: Int(from.priority_tier), nodes: names(from.nodes))
    }

    private static func node(_ from: molt_slurm_node) -> SchedulerConfiguration.Node {
        SchedulerConfiguration.Node(
            name: String(cString: from.name), cpus: Int(from.cpus), gpus: GresList.gpus(String(cString: from.gres)),
            memory: Int(clamping: from.memory) << 20, responds: from.responds != 0)
    }

    static func names(_ list: UnsafePointer<CChar>) -> [String] {
        String(cString: list).split(separator: ",").map(String.init)
    }

    /// Minutes to seconds; nil for no limit.
    static func seconds(_ minutes: UInt32) -> Double? { minutes == UInt32.max ? nil : Double(minutes) * 60 }

    private static func modeName(_ mode: UInt32) -> String {
        let names: [(UInt32, String)] = [
            (1, "SUSPEND"), (2, "REQUEUE"), (8, "CANCEL"), (0x4000, "WITHIN"), (0x8000, "GANG"),
        ]
        let set = names.filter { mode & $0.0 != 0 }.map(\.1)
        return set.isEmpty ? "OFF" : set.joined(separator: ",")
    }

    private static func number(after mark: String, in text: String) -> Double? {
        guard let found = text.split(separator: ",").first(where: { $0.hasPrefix(mark) }) else { return nil }
        return Double(found.dropFirst(mark.count))
    }
}
