package import MoltCore

/// What to ask the scheduler for; `time` is for one attempt.
package struct ResourcesSection: Codable, Hashable, Sendable {
    package var nodes: Int = 1
    package var gpusPerNode: Int = 0
    /// Bytes that one GPU has at least, so that what does not fit is known before it is submitted; a site's own figure
    /// goes before. Nothing is asked of the scheduler.
    package var gpuMemory: Int?
    /// Workers a node; nil means one a GPU, or one.
    package var ranksPerNode: Int?
    package var cpusPerRank: Int = 1
    /// Seconds; nil means the partition's default.
    package var time: Double?
    package var partition: String?
    package var account: String?
    package var qos: String?
    /// Bytes a node; nil means the site's default.
    package var memory: Int?
    /// Further sbatch options by Slurm's own long names; the supported ones are a table.
    package var slurm: [String: String] = [:]

    package var ranks: Int { max(1, ranksPerNode ?? gpusPerNode) }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case nodes, time, partition, account, qos, memory, slurm
        case gpusPerNode = "gpus_per_node"
        case gpuMemory = "gpu_memory"
        case ranksPerNode = "ranks_per_node"
        case cpusPerRank = "cpus_per_rank"
    }

    package init() {}
}

/// How much failure to bear before stopping and telling. A site may allow less (`Site.policy`).
package struct PolicySection: Codable, Hashable, Sendable {
    /// Crashes in a row, without a new checkpoint, that end the run.
    package var maxCrashes: Int = 3
    /// Ends at the same step with the same error that end the run.
    package var maxRepeats: Int = 2
    /// Failures of nodes, GPUs, networks and launches in a row, without a new checkpoint, until a person should look.
    package var maxFaults: Int = 8
    /// Attempts in a row that end at their time limit without a new checkpoint, until a person should look.
    package var maxFruitless: Int = 3
    /// Seconds before the next attempt after a failure, doubling up to the second figure.
    package var backOff: Double = 5
    package var backOffMax: Double = 300
    package var onNaN: NaNAction = .stop
    /// `on_nan: rollback` goes back to the newest of so many checkpoints: 1 is the newest.
    package var rollBackCheckpoints: Int = 1
    /// Batches that one start of the run passes over because they gave no finite step.
    package var maxSkips: Int = 3
    /// Seconds of the whole chain of attempts; nil means no cap.
    package var maxTotal: Double?
    /// How long workers may make no progress.
    package var patience = Patience()

    package enum NaNAction: String, Codable, Sendable, CaseIterable {
        /// Go back to a checkpoint and pass over the batch.
        case rollback
        /// Keep the weights, which a step that is not finite does not touch, and pass over the batch.
        case skip
        case stop
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case maxCrashes = "max_crashes"
        case maxRepeats = "max_repeats"
        case maxFaults = "max_faults"
        case maxFruitless = "max_fruitless"
        case backOff = "back_off"
        case backOffMax = "back_off_max"
        case onNaN = "on_nan"
        case rollBackCheckpoints = "rollback_checkpoints"
        case maxSkips = "max_skips"
        case maxTotal = "max_total"
        case patience
    }

    package init() {}

    /// A recipe that was frozen before a key was known has that key's default.
    package init(from decoder: any Decoder) throws {
        self.init()
        let frozen = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ field: WritableKeyPath<Self, Value>) throws {
            if let value = try frozen.decodeIfPresent(Value.self, forKey: key) { self[keyPath: field] = value }
        }
        try read(.maxCrashes, \.maxCrashes)
        try read(.maxRepeats, \.maxRepeats)
        try read(.maxFaults, \.maxFaults)
        try read(.maxFruitless, \.maxFruitless)
        try read(.backOff, \.backOff)
        try read(.backOffMax, \.backOffMax)
        try read(.onNaN, \.onNaN)
        try read(.rollBackCheckpoints, \.rollBackCheckpoints)
        try read(.maxSkips, \.maxSkips)
        try read(.patience, \.patience)
        maxTotal = try frozen.decodeIfPresent(Double.self, forKey: .maxTotal)
    }
}

package struct NotifySection: Codable, Hashable, Sendable {
    package var on: [Occasion] = [.finished, .failed, .stuck]
    package var webhook: String?
    /// Executed without a shell; gets the message as JSON on its standard input.
    package var command: [String]?

    package enum Occasion: String, Codable, Sendable, CaseIterable { case finished, failed, stuck }

    enum CodingKeys: String, CodingKey, CaseIterable { case on, webhook, command }

    package init() {}
}
