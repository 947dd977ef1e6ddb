import MoltCore
package import MoltScheduler

/// What `scontrol show` prints about the cluster. Only admins write these texts; they are read with care all the same.
package enum ScontrolText {
    package struct Unreadable: Error, Hashable, Sendable {
        package var reason: String
    }

    /// `Key = value` lines of `scontrol show config`, and the controller's clock in its first line.
    package static func settings(_ text: String) throws(Unreadable) -> (asOf: Double, values: [String: String]) {
        var values: [String: String] = [:], asOf: Double?
        for line in text.split(separator: "\n") {
            let mark = "Configuration data as of "
            if asOf == nil, line.hasPrefix(mark) {
                asOf = Double(line.dropFirst(mark.count))
            } else if let equals = line.firstIndex(of: "=") {
                let key = trimmed(line[..<equals]), value = trimmed(line[line.index(after: equals)...])
                if values[key] == nil { values[key] = value == "(null)" ? "" : value }
            }
        }
        guard let asOf, asOf > 0, asOf < 1e12, values["SLURM_VERSION"] != nil else {
            throw Unreadable(reason: "scontrol's settings have no date or no version")
        }
        return (asOf, values)
    }

    package static func configuration(
        settings: [String: String], partitions: String, nodes: String
    ) throws(Unreadable) -> SchedulerConfiguration {
        let preemption = settings["PreemptMode"] ?? "OFF"
        let life = option("cred_expire=", in: settings["AuthInfo"]) ?? 120
        let delay = option("requeue_delay=", in: settings["SchedulerParameters"]) ?? life
        var found = SchedulerConfiguration(
            version: "slurm \(settings["SLURM_VERSION"] ?? "")",
            controllerStartedAt: settings["BOOT_TIME"].flatMap { try? SlurmTime.moment($0) },
            killWait: number(settings["KillWait"]) ?? 30, minimumJobAge: number(settings["MinJobAge"]) ?? 300,
            messageTimeout: number(settings["MessageTimeout"]) ?? 10, requeueDelay: delay + 1,
            requestLife: option("ttl=", in: settings["AuthInfo"]) ?? SchedulerConfiguration.mungeLife,
            jobsRequeue: settings["JobRequeue"] != "0", requeueExit: ExitCodeList.codes(settings["RequeueExit"] ?? ""),
            requeueExitHold: ExitCodeList.codes(settings["RequeueExitHold"] ?? ""), preemptMode: preemption,
            partitions: try records(partitions, "PartitionName").map { record throws(Unreadable) in
                try partition(record, preemption)
            },
            nodes: try records(nodes, "NodeName").map(node))
        found.schedulingDelay = option("batch_sched_delay=", in: settings["SchedulerParameters"]) ?? 3
        return found
    }

    private static func partition(
        _ record: [String: String], _ preemption: String
    ) throws(Unreadable) -> SchedulerConfiguration.Partition {
        guard let nodes = HostList.expand(record["Nodes"] ?? "") else {
            throw Unreadable(reason: "scontrol names a partition's nodes oddly")
        }
        return SchedulerConfiguration.Partition(
            name: record["PartitionName"] ?? "", isDefault: record["Default"] == "YES", isUp: record["State"] == "UP",
            takesJobs: ["UP", "DOWN"].contains(record["State"]),
            timeLimit: SlurmTime.seconds(record["MaxTime"] ?? ""),
            defaultTime: SlurmTime.seconds(record["DefaultTime"] ?? ""), graceTime: number(record["GraceTime"]) ?? 0,
            preemptMode: record["PreemptMode"] ?? preemption, priorityTier: Int(number(record["PriorityTier"]) ?? 1),
            nodes: nodes)
    }

    private static func node(_ record: [String: String]) -> SchedulerConfiguration.Node {
        let state = record["State"] ?? "UNKNOWN"
        let base = state.prefix { $0.isLetter || $0 == "_" }
        let isAway = ["DOWN", "UNKNOWN", "FUTURE"].contains(base) || state.contains("*")
        return SchedulerConfiguration.Node(
            name: record["NodeName"] ?? "", cpus: Int(number(record["CPUTot"]) ?? 0),
            gpus: GresList.gpus(record["Gres"] ?? ""), memory: Int(number(record["RealMemory"]) ?? 0) << 20,
            responds: !isAway)
    }

    /// One record a line, `Key=value` words; the first of a name counts, for free text comes last.
    private static func records(_ text: String, _ first: String) throws(Unreadable) -> [[String: String]] {
        var result: [[String: String]] = []
        for line in text.split(separator: "\n") where line.contains("=") {
            var record: [String: String] = [:]
            for word in line.split(separator: " ") {
                guard let equals = word.firstIndex(of: "=") else { continue }
                let key = String(word[..<equals])
                if record[key] == nil { record[key] = String(word[word.index(after: equals)...]) }
            }
            guard let name = record[first], !name.isEmpty else {
                throw Unreadable(reason: "scontrol printed a line without \(first)")
            }
            result.append(record)
        }
        return result
    }

    /// The number at the start: `5 sec`, `UNLIMITED` is none.
    private static func number(_ text: String?) -> Double? {
        guard let digits = text?.prefix(while: { ("0"..."9").contains($0) }), digits.count < 12 else { return nil }
        return Double(digits)
    }

    private static func option(_ mark: String, in text: String?) -> Double? {
        guard let found = text?.split(separator: ",").first(where: { $0.hasPrefix(mark) }) else { return nil }
        return number(String(found.dropFirst(mark.count)))
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.last == " " { text.removeLast() }
        return String(text.drop { $0 == " " })
    }
}
