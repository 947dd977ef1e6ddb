import MoltCore
package import MoltScheduler

/// A partition: flat up to v0.0.38, in sections from v0.0.39 on.
package struct RestPartition: Decodable, Sendable {
    var name: RestText?
    var nodes: Nodes?
    var flags: RestWords?
    var state: RestWords?
    var preemptMode: RestWords?
    var flatGrace: RestNumber?
    var grace: RestNumber?
    var flatTier: RestNumber?
    var flatLimit: RestNumber?
    var flatDefault: RestNumber?
    var defaults: Times?
    var maximums: Times?
    var priority: Priority?
    var section: Section?

    enum CodingKeys: String, CodingKey {
        case name, nodes, flags, state, defaults, maximums, priority
        case preemptMode = "preemption_mode"
        case flatGrace = "preemption_grace_time"
        case grace = "grace_time"
        case flatTier = "priority_tier"
        case flatLimit = "max_time_limit"
        case flatDefault = "default_time_limit"
        case section = "partition"
    }

    struct Times: Decodable, Sendable { var time: RestNumber? }
    struct Priority: Decodable, Sendable { var tier: RestNumber? }
    struct Section: Decodable, Sendable { var state: RestWords? }

    /// `"n[1-2]"` or `{"configured": "n[1-2]"}`.
    struct Nodes: Decodable, Sendable {
        var list: String

        private enum Keys: String, CodingKey { case configured }

        init(from decoder: any Decoder) throws {
            if let flat = try? RestText(from: decoder) {
                list = flat.text
            } else {
                let object = try decoder.container(keyedBy: Keys.self)
                list = try object.decodeIfPresent(RestText.self, forKey: .configured)?.text ?? ""
            }
        }
    }

    /// - Parameter known: what Slurm's commands say about it; the interface leaves some things out.
    package func partition(_ known: SchedulerConfiguration.Partition?) -> SchedulerConfiguration.Partition {
        let marks = Set((flags?.words ?? []).map { $0.lowercased() })
        let words = (state ?? section?.state)?.words.map { $0.uppercased() } ?? []
        return SchedulerConfiguration.Partition(
            name: name?.text ?? "", isDefault: marks.contains("default") || known?.isDefault == true,
            isUp: words.contains("UP"), takesJobs: !words.allSatisfy { $0 == "DRAIN" || $0 == "INACTIVE" },
            timeLimit: RestTime.seconds(flatLimit ?? maximums?.time),
            defaultTime: RestTime.seconds(flatDefault ?? defaults?.time),
            graceTime: (flatGrace ?? grace)?.value ?? 0, preemptMode: mode ?? known?.preemptMode ?? "",
            priorityTier: Int((flatTier ?? priority?.tier)?.count ?? 1),
            nodes: HostList.expand(nodes?.list ?? "") ?? [])
    }

    private var mode: String? {
        guard let words = preemptMode?.words, !words.isEmpty else { return nil }
        let names = words.map { $0.uppercased() }
        return names.contains("DISABLED") || names.contains("OFF") ? "OFF" : names.joined(separator: ",")
    }
}

package struct RestNode: Decodable, Sendable {
    var name: RestText?
    var cpus: RestNumber?
    var gres: RestText?
    /// MiB.
    var memory: RestNumber?
    var state: RestWords?
    var flags: RestWords?

    enum CodingKeys: String, CodingKey {
        case name, cpus, gres, state
        case memory = "real_memory"
        case flags = "state_flags"
    }

    package var node: SchedulerConfiguration.Node {
        let words = Set(((state?.words ?? []) + (flags?.words ?? [])).map { $0.uppercased() })
        let away: Set<String> = ["DOWN", "UNKNOWN", "FUTURE", "NOT_RESPONDING", "NO_RESPOND", "INVALID"]
        return SchedulerConfiguration.Node(
            name: name?.text ?? "", cpus: Int(cpus?.count ?? 0), gpus: GresList.gpus(gres?.text ?? ""),
            memory: Int(memory?.count ?? 0) << 20, responds: !words.isEmpty && words.isDisjoint(with: away))
    }
}
