import FoundationEssentials
package import Logging
import MoltCore
import MoltLifecycle
package import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltStore
import ServiceLifecycle

#if canImport(Glibc)
import Glibc
#endif

/// Looks for jobs that asked for a run with `--molt`: the Slurm plugin leaves
/// `<runs>/<run>/slurm/<job>.<n>/adopted.json` when such a job starts.
struct AdoptionService: Service {
    let service: RunService
    let siteNames: @Sendable () -> [String]
    let clock: any DaemonClock
    let logger: Logger

    func run() async throws {
        let scan = AdoptionScan(service: service, logger: logger)
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let began = MonotonicTime.now()
                for name in siteNames() {
                    guard let site = try? await service.sites.site(name), site.kind == .slurm else { continue }
                    await scan.look(at: site)
                }
                // Dearer looks are made more rarely: a file server may hold ten thousand runs.
                let seconds = (MonotonicTime.now() - began) / Limits.adoptionShare
                try? await clock.sleep(seconds: min(max(seconds, Limits.adoptionInterval), Limits.adoptionIntervalMax))
            }
        }
    }
}

/// What of the run folders has been looked at, so that most looks cost one `stat` a run.
package actor AdoptionScan {
    private let service: RunService
    private let logger: Logger
    /// Folders of starts about which nothing is left to find out.
    private var settled: Set<String> = []
    /// When each run's `slurm` folder had last changed, once all in it was settled.
    private var quiet: [String: Double] = [:]
    private var told: Set<String> = []

    package init(service: RunService, logger: Logger) {
        self.service = service
        self.logger = logger
    }

    package func look(at site: Site) async {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: site.runs)) ?? []
        for name in names.sorted() where !name.hasPrefix(".") && !name.hasSuffix(".removed") {
            let run = "\(site.runs)/\(name)", path = "\(run)/slurm"
            guard let changed = Self.changed(path), quiet[path] != changed else { continue }
            var isSettled = true
            for entry in ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() {
                let start = "\(path)/\(entry)"
                if settled.contains(start) { continue }
                guard await consider(entry, of: run, named: name, site) else {
                    isSettled = false
                    continue
                }
                settled.insert(start)
            }
            // What was written within the same second would not change it again.
            if isSettled, service.clock.now() - changed > 2 { quiet[path] = changed }
        }
    }

    private static func changed(_ path: String) -> Double? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        return Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    }

    /// True when this start needs no other look.
    private func consider(_ entry: String, of run: String, named name: String, _ site: Site) async -> Bool {
        let parts = entry.split(separator: ".")
        guard parts.count == 2, let job = UInt32(parts[0]), let number = Int(parts[1]) else { return true }
        let path = "\(run)/slurm/\(entry)/adopted.json"
        guard let record = PluginRecords.record(path), record.job == job, record.incarnation == number else {
            // Jobs of our own have none; what is being written has it in a moment.
            return Self.changed("\(run)/slurm/\(entry)").map { service.clock.now() - $0 > 60 } ?? true
        }
        do {
            let known = try await service.store.read { try $0.run(folder: run) }
            if let known {
                guard let adopted = try WatchedRun(known).lifecycle.adopted else {
                    tell("job \(job) asked for run \(known.id), whose jobs are Molt's own; it is left alone")
                    return true
                }
                if adopted.id == job { return true }
                guard !known.isWatched else {
                    tell("job \(job) asked for run \(known.id), which still has job \(adopted.id)")
                    return false
                }
            }
            let found = try await service.sites.scheduler(site.name).load(job)
            // A later start of it has a record of its own.
            if let found, found.restartCount > number { return true }
            let status = found.flatMap { Self.isOf(record, $0) ? $0 : nil }
            if let status {
                guard status.userID == getuid(), status.key == nil else { return true }
                guard status.group == nil else {
                    tell("job \(job) is a part of an array or of a heterogeneous job; it is left alone")
                    return true
                }
            } else {
                let age = service.clock.now() - record.startedAt
                // Slurm does not know it (any more): worth telling is only how it ended.
                guard age < Limits.adoptionAge else { return true }
                let end = PluginRecords.record("\(run)/slurm/\(entry)/end.json")
                guard end != nil else { return age > Limits.adoptionSkew }
            }
            let hand = HandWrittenJob(
                job: AdoptedJob(
                    id: job, name: status?.name ?? "", incarnation: status?.restartCount ?? number,
                    output: status?.output),
                name: HandWrittenJob.runName(name, job: job), folder: RunFolder(path: run), site: site,
                partition: status?.partition, nodes: record.nodes ?? 1, timeLimit: status?.timeLimit,
                how: "job \(job) asked for this run with --molt")
            _ = try await service.take(hand, token: hand.token(startedAt: record.startedAt))
            return true
        } catch {
            tell("job \(job) cannot be adopted now: \(error)")
            return false
        }
    }

    /// False for a job that only has the number, as it is given again after slurmctld has lost what it knew.
    private static func isOf(_ record: PluginRecords.Record, _ status: JobStatus) -> Bool {
        guard status.restartCount == record.incarnation, let startedAt = status.startedAt else { return false }
        return abs(startedAt - record.startedAt) < Limits.adoptionSkew
    }

    private func tell(_ message: String) {
        if told.count < 1000, told.insert(message).inserted { logger.warning("\(message)") }
    }
}
