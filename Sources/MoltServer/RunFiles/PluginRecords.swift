import FoundationEssentials
import MoltCore
package import MoltLifecycle

/// What the Slurm plugin wrote about one start of a job (`Plugins/spank-molt/README.md`); empty where there is none.
package struct PluginRecords: Sendable {
    /// Ranks that ended badly. Only the workers' own watcher may say that one is done.
    package private(set) var workerEnds: [WorkerEnd] = []
    package private(set) var scriptEnd: ScriptEnd?
    /// When the script started, if it has ended.
    private(set) var startedAt: Double?
    /// What was said of ranks that were ended because they made no progress.
    private(set) var hangs: [String] = []
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
        var nodes: Int?
        var step: Int?
        var rank: Int?
        var status: Int32?
        var signal: Int32?
        var problem: String?
    }

    package init(folder: String) {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        for name in names.prefix(Limits.workerEnds) where name.hasSuffix(".json") {
            guard let record = Self.record("\(folder)/\(name)") else { continue }
            if name == "end.json" {
                startedAt = record.startedAt
                scriptEnd = ScriptEnd(
                    status: record.status, signal: record.signal, endedAt: record.endedAt ?? record.startedAt)
            } else if name.hasPrefix("hang-") {
                let who = record.rank.map { "rank \($0) on \(record.host)" } ?? record.host
                hangs.append("\(who): \(record.problem ?? "no progress")")
            } else if name.hasPrefix("unfit-") {
                unfitNodes.append(record.host)
            } else if name.hasPrefix("step-"), let rank = record.rank {
                workerEnds.append(
                    WorkerEnd(
                        rank: rank, host: record.host, status: record.status, signal: record.signal,
                        endedAt: record.endedAt ?? record.startedAt))
            }
        }
    }

    /// Nil for what is not whole, or of a version that we do not know.
    static func record(_ path: String) -> Record? {
        guard let data = try? DurableFile.read(path, limit: Limits.claimBytes),
            let record = try? JSONDecoder().decode(Record.self, from: data), record.version == 1
        else { return nil }
        return record
    }
}
