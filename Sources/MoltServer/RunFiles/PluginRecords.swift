import FoundationEssentials
import MoltCore
package import MoltLifecycle

/// What the Slurm plugin wrote about one start of a job (`Plugins/spank-molt/README.md`); empty where there is none.
package struct PluginRecords: Sendable {
    /// Ranks that ended badly. Only the workers' own watcher may say that one is done.
    package var workerEnds: [WorkerEnd] { ends.values.flatMap { $0 } }
    /// The same by the step of the job, with those that ended well.
    private var ends: [Int: [WorkerEnd]] = [:]
    package private(set) var scriptEnd: ScriptEnd?
    /// When the script started, if it has ended.
    private(set) var startedAt: Double?
    /// What was said of ranks that were ended because they made no progress, by step.
    private var hangs: [Int: [String]] = [:]
    /// Hosts that refused to start a rank.
    package private(set) var unfitNodes: [String] = []

    /// One file; what does not belong to its kind is absent.
    struct Record: Codable, Hashable, Sendable {
        var version: Int
        var host: String
        var job: UInt32
        var incarnation: Int
        var startedAt: Double
        var endedAt: Double?
        var endsAt: Double?
        /// The number in `epochs/` that this start of the job claimed; absent when it could not.
        var epoch: Int?
        var nodes: Int?
        var step: Int?
        var rank: Int?
        var status: Int32?
        var signal: Int32?
        var problem: String?
    }

    package init(folder: String) {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".json") }
        // The newest steps first: how the job ended must not be what the limit cuts off.
        let ordered = names.map { (step: Self.step(of: $0) ?? .max, name: $0) }
            .sorted { ($1.step, $0.name) < ($0.step, $1.name) }
        for name in ordered.prefix(Limits.workerEnds).map(\.name) {
            guard let record = Self.record("\(folder)/\(name)") else { continue }
            if name == "end.json" {
                startedAt = record.startedAt
                scriptEnd = ScriptEnd(
                    status: record.status, signal: record.signal, endedAt: record.endedAt ?? record.startedAt)
            } else if name.hasPrefix("hang-") {
                let who = record.rank.map { "rank \($0) on \(record.host)" } ?? record.host
                hangs[record.step ?? 0, default: []].append("\(who): \(record.problem ?? "no progress")")
            } else if name.hasPrefix("unfit-") {
                unfitNodes.append(record.host)
            } else if name.hasPrefix("step-"), let rank = record.rank {
                ends[record.step ?? 0, default: []].append(
                    WorkerEnd(
                        rank: rank, host: record.host, status: record.status, signal: record.signal,
                        endedAt: record.endedAt ?? record.startedAt))
            }
        }
    }

    /// How the newest step of ranks ended. What an earlier one came to, the script may have known and tried again.
    var last: LastStep {
        let step = (Array(ends.keys) + Array(hangs.keys)).max() ?? 0
        return LastStep(ends: ends[step] ?? [], hang: hangs[step]?.first)
    }

    /// Of `step-3.rank-0.json` or `hang-3.rank-0.json`.
    private static func step(of name: String) -> Int? {
        guard name.hasPrefix("step-") || name.hasPrefix("hang-") else { return nil }
        return Int(name.dropFirst("step-".count).prefix { $0 != "." })
    }

    /// Nil for what is not whole, or of a version that we do not know.
    static func record(_ path: String) -> Record? {
        guard let data = try? DurableFile.read(path, limit: Limits.claimBytes),
            let record = try? BoundedJSON().decode(Record.self, from: data), record.version == 1
        else { return nil }
        return record
    }
}
