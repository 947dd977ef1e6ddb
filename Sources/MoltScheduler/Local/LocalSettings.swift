#if canImport(Glibc)
import Glibc
#endif

/// What the local site offers, in the words of a cluster. Seconds and bytes.
package struct LocalSettings: Hashable, Sendable {
    package var nodeName: String
    package var cpus: Int
    package var gpus: Int
    package var memory: Int
    package var partitions: [SchedulerConfiguration.Partition]
    /// Between SIGTERM and SIGKILL.
    package var killWait: Double
    /// How long a job that was put back waits before it may start again.
    package var requeueDelay: Double
    /// How long an ended job is remembered.
    package var minimumJobAge: Double

    /// The two partitions of every local site: `low` is the default and gives way to `high`.
    package init(
        nodeName: String, cpus: Int, gpus: Int, memory: Int, grace: Double, killWait: Double = 30,
        requeueDelay: Double = 1, minimumJobAge: Double = 300
    ) {
        self.nodeName = nodeName
        self.cpus = cpus
        self.gpus = gpus
        self.memory = memory
        self.killWait = killWait
        self.requeueDelay = requeueDelay
        self.minimumJobAge = minimumJobAge
        partitions = []
        addPartition("low", isDefault: true, grace: grace, isPreemptible: true, tier: 1)
        addPartition("high", tier: 10)
    }

    /// This machine; nil means what it has.
    package static func thisMachine(cpus: Int? = nil, gpus: Int = 0, grace: Double = 20) -> LocalSettings {
        let online = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let memory = max(1, sysconf(Int32(_SC_PHYS_PAGES))) * max(1, sysconf(Int32(_SC_PAGESIZE)))
        let host = SubmissionEnvironment.hostName().split(separator: ".").first.map(String.init) ?? "localhost"
        return LocalSettings(nodeName: host, cpus: cpus ?? online, gpus: gpus, memory: memory, grace: grace)
    }

    package mutating func addPartition(
        _ name: String, isDefault: Bool = false, timeLimit: Double? = nil, grace: Double = 0,
        isPreemptible: Bool = false, tier: Int
    ) {
        partitions.append(
            SchedulerConfiguration.Partition(
                name: name, isDefault: isDefault, isUp: true, timeLimit: timeLimit, defaultTime: nil, graceTime: grace,
                preemptMode: isPreemptible ? "REQUEUE" : "OFF", priorityTier: tier, nodes: [nodeName]))
    }

    func partition(_ name: String) -> SchedulerConfiguration.Partition? { partitions.first { $0.name == name } }

    var configuration: SchedulerConfiguration {
        SchedulerConfiguration(
            version: "local", controllerStartedAt: nil, killWait: killWait, minimumJobAge: minimumJobAge,
            messageTimeout: 10, requeueDelay: requeueDelay, jobsRequeue: true, requeueExit: [], requeueExitHold: [],
            preemptMode: "REQUEUE", partitions: partitions,
            nodes: [.init(name: nodeName, cpus: cpus, gpus: gpus, memory: memory, responds: true)])
    }
}
