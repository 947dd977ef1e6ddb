/// What to ask the scheduler for; `time` is for one attempt.
package struct ResourcesSection: Codable, Hashable, Sendable {
    package var nodes: Int = 1
    package var gpusPerNode: Int = 0
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

    package var ranks: Int { ranksPerNode ?? max(1, gpusPerNode) }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case nodes, time, partition, account, qos, memory, slurm
        case gpusPerNode = "gpus_per_node"
        case ranksPerNode = "ranks_per_node"
        case cpusPerRank = "cpus_per_rank"
    }

    package init() {}
}

/// How much failure to bear before stopping and telling.
package struct PolicySection: Codable, Hashable, Sendable {
    package var maxCrashes: Int = 3
    package var onNaN: NaNAction = .stop
    /// Seconds of the whole chain of attempts; nil means no cap.
    package var maxTotal: Double?

    package enum NaNAction: String, Codable, Sendable, CaseIterable { case rollback, stop }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case maxCrashes = "max_crashes"
        case onNaN = "on_nan"
        case maxTotal = "max_total"
    }

    package init() {}
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
