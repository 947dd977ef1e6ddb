/// What a scheduler's settings mean for our jobs. Seconds throughout.
package struct SchedulerConfiguration: Hashable, Sendable, Codable {
    /// `local` or `slurm 22.05.8`.
    package var version: String
    package var controllerStartedAt: Double?
    package var killWait: Double
    package var minimumJobAge: Double
    package var messageTimeout: Double
    /// How long Slurm holds a requeued job back by itself (cred_expire + 1).
    package var requeueDelay: Double
    /// How long a job that may start can go unnoticed by the scheduler (batch_sched_delay); nil when nobody tells.
    package var schedulingDelay: Double?
    /// How long a controller may still accept a request after it was sent: the life of its munge credential.
    package var requestLife: Double
    package var jobsRequeue: Bool
    /// Exit codes that make Slurm requeue (or requeue and hold) a job by itself.
    package var requeueExit: [Int32]
    package var requeueExitHold: [Int32]
    package var preemptMode: String
    package var partitions: [Partition]
    package var nodes: [Node]
    /// True where nobody tells the settings, and Slurm's own defaults stand in for them.
    package var isAssumed: Bool?

    package struct Partition: Hashable, Sendable, Codable {
        package var name: String
        package var isDefault: Bool
        /// Whether it starts jobs.
        package var isUp: Bool
        /// Whether jobs may be submitted to it, to wait where it is not up. Slurm's DOWN takes them, DRAIN and
        /// INACTIVE do not.
        package var takesJobs: Bool
        /// Nil: unlimited.
        package var timeLimit: Double?
        package var defaultTime: Double?
        package var graceTime: Double
        package var preemptMode: String
        package var priorityTier: Int
        package var nodes: [String]

        package init(
            name: String, isDefault: Bool, isUp: Bool, takesJobs: Bool? = nil, timeLimit: Double?, defaultTime: Double?,
            graceTime: Double, preemptMode: String, priorityTier: Int, nodes: [String]
        ) {
            self.name = name
            self.isDefault = isDefault
            self.isUp = isUp
            self.takesJobs = takesJobs ?? isUp
            self.timeLimit = timeLimit
            self.defaultTime = defaultTime
            self.graceTime = graceTime
            self.preemptMode = preemptMode
            self.priorityTier = priorityTier
            self.nodes = nodes
        }
    }

    package struct Node: Hashable, Sendable, Codable {
        package var name: String
        package var cpus: Int
        package var gpus: Int
        /// Bytes.
        package var memory: Int
        /// True when it is up and responds.
        package var responds: Bool

        package init(name: String, cpus: Int, gpus: Int, memory: Int, responds: Bool) {
            self.name = name
            self.cpus = cpus
            self.gpus = gpus
            self.memory = memory
            self.responds = responds
        }
    }

    /// munge's own time to live, which holds where AuthInfo has no `ttl=`.
    package static let mungeLife: Double = 300

    package init(
        version: String, controllerStartedAt: Double?, killWait: Double, minimumJobAge: Double, messageTimeout: Double,
        requeueDelay: Double, requestLife: Double = Self.mungeLife, jobsRequeue: Bool, requeueExit: [Int32],
        requeueExitHold: [Int32], preemptMode: String, partitions: [Partition], nodes: [Node]
    ) {
        self.version = version
        self.controllerStartedAt = controllerStartedAt
        self.killWait = killWait
        self.minimumJobAge = minimumJobAge
        self.messageTimeout = messageTimeout
        self.requeueDelay = requeueDelay
        self.requestLife = requestLife
        self.jobsRequeue = jobsRequeue
        self.requeueExit = requeueExit
        self.requeueExitHold = requeueExitHold
        self.preemptMode = preemptMode
        self.partitions = partitions
        self.nodes = nodes
    }
}
