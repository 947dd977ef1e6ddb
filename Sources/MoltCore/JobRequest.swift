/// One submission, typed: the script's header and the API's descriptor are both made from it.
package struct JobRequest: Hashable, Sendable, Codable {
    package var key: AttemptKey
    /// `<run name>.<ten digits of the key>`.
    package var name: String
    package var script: String
    package var workingDirectory: String
    /// Absolute path, made by us; never contains a user's pattern.
    package var output: String
    package var partition: String?
    package var account: String?
    package var qos: String?
    package var nodes: Int
    package var ranksPerNode: Int
    package var cpusPerRank: Int
    package var gpusPerNode: Int
    /// `gpu` or `gpu:h100`.
    package var gres: String
    /// Bytes a node.
    package var memoryPerNode: Int?
    /// Seconds.
    package var timeLimit: Double?
    /// Signal to the workers this many seconds before the time limit.
    package var warning: Warning?
    package var excludedNodes: [String]
    package var environment: [String: String]
    /// Starts held when true.
    package var held: Bool
    /// Further options from the supported table, by Slurm's long names.
    package var options: [String: String]

    package struct Warning: Hashable, Sendable, Codable {
        package var signal: Int32
        package var secondsBefore: Int

        package init(signal: Int32, secondsBefore: Int) {
            self.signal = signal
            self.secondsBefore = secondsBefore
        }
    }

    package init(
        key: AttemptKey, name: String, script: String, workingDirectory: String, output: String,
        nodes: Int = 1, ranksPerNode: Int = 1, cpusPerRank: Int = 1, gpusPerNode: Int = 0,
        environment: [String: String] = [:]
    ) {
        self.key = key
        self.name = name
        self.script = script
        self.workingDirectory = workingDirectory
        self.output = output
        self.nodes = nodes
        self.ranksPerNode = ranksPerNode
        self.cpusPerRank = cpusPerRank
        self.gpusPerNode = gpusPerNode
        self.environment = environment
        gres = "gpu"
        excludedNodes = []
        held = false
        options = [:]
    }
}
