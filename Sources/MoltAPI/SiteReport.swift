/// What a site's scheduler is set to, for `molt doctor`. Seconds throughout.
package struct SiteReport: Codable, Hashable, Sendable {
    package var site: String
    package var kind: String
    /// `local` or `slurm 22.05.8`.
    package var version: String
    /// What the helper was built against, where there is one.
    package var helperVersion: String?
    package var killWait: Double
    package var minimumJobAge: Double
    package var messageTimeout: Double
    package var requeueDelay: Double
    /// How long a job that may start can go unnoticed by the scheduler; nil when nobody tells.
    package var schedulingDelay: Double?
    package var jobsRequeue: Bool
    package var requeueExit: [Int32]
    package var requeueExitHold: [Int32]
    package var preemptMode: String
    package var partitions: [Partition]
    package var nodes: [Node]
    /// The daemon's clock minus the controller's.
    package var clockDifference: Double?
    /// Bytes a second of the slowest of the latest saves there; nil when none was made.
    package var saveRate: Double?
    package var prefix: String
    package var runs: String
    /// True where nobody tells the scheduler's settings, and its defaults stand here instead.
    package var isAssumed: Bool?
    /// The way to the scheduler that the site pins; nil means the first that answers.
    package var backend: String?
    /// The way that the daemon uses; nil where the site pins one, or while none has answered.
    package var backendInUse: String?
    /// Every way that there is, in the order in which they are tried; nil when the daemon is older than this.
    package var ways: [Way]?

    package struct Way: Codable, Hashable, Sendable {
        package var name: String
        package var answers: Bool
        /// What it says of itself, or why it does not answer.
        package var words: String

        package init(name: String, answers: Bool, words: String) {
            self.name = name
            self.answers = answers
            self.words = words
        }
    }

    package struct Partition: Codable, Hashable, Sendable {
        package var name: String
        package var isDefault: Bool
        package var isUp: Bool
        package var timeLimit: Double?
        /// Of a job that asks for none; nil for the limit.
        package var defaultTime: Double?
        package var graceTime: Double
        package var preemptMode: String
        package var priorityTier: Int
        package var nodes: Int

        package init(
            name: String, isDefault: Bool, isUp: Bool, timeLimit: Double?, graceTime: Double, preemptMode: String,
            priorityTier: Int, nodes: Int
        ) {
            self.name = name
            self.isDefault = isDefault
            self.isUp = isUp
            self.timeLimit = timeLimit
            self.graceTime = graceTime
            self.preemptMode = preemptMode
            self.priorityTier = priorityTier
            self.nodes = nodes
        }
    }

    package struct Node: Codable, Hashable, Sendable {
        package var name: String
        package var cpus: Int
        package var gpus: Int
        package var memory: Int
        package var responds: Bool

        package init(name: String, cpus: Int, gpus: Int, memory: Int, responds: Bool) {
            self.name = name
            self.cpus = cpus
            self.gpus = gpus
            self.memory = memory
            self.responds = responds
        }
    }

    package init(
        site: String, kind: String, version: String, helperVersion: String? = nil, killWait: Double,
        minimumJobAge: Double, messageTimeout: Double, requeueDelay: Double, jobsRequeue: Bool, requeueExit: [Int32],
        requeueExitHold: [Int32], preemptMode: String, partitions: [Partition], nodes: [Node],
        clockDifference: Double? = nil, prefix: String, runs: String
    ) {
        self.site = site
        self.kind = kind
        self.version = version
        self.helperVersion = helperVersion
        self.killWait = killWait
        self.minimumJobAge = minimumJobAge
        self.messageTimeout = messageTimeout
        self.requeueDelay = requeueDelay
        self.jobsRequeue = jobsRequeue
        self.requeueExit = requeueExit
        self.requeueExitHold = requeueExitHold
        self.preemptMode = preemptMode
        self.partitions = partitions
        self.nodes = nodes
        self.clockDifference = clockDifference
        self.prefix = prefix
        self.runs = runs
    }
}
