import FoundationEssentials
import MoltCore
import MoltLifecycle
import MoltRecipe

#if canImport(Glibc)
import Glibc
#endif

/// Reads what an ended incarnation left behind: bounded, whatever it has written.
enum RemainsReader {
    /// - Parameter job: whose records the Slurm plugin may have left.
    static func read(
        _ run: RunFolder, attempt: Int, incarnation: Int, job: UInt32?, epoch: Int?, receipt: Receipt?
    ) -> Remains {
        let folder = run.incarnation(attempt: attempt, incarnation: incarnation)
        var remains = Remains(workerEnds: workerEnds(in: folder))
        let mask = mask(run, attempt: attempt)
        if let job {
            let records = PluginRecords(folder: run.pluginRecords(jobID: job, incarnation: incarnation))
            let known = Set(remains.workerEnds.map(\.rank))
            remains.workerEnds += records.workerEnds.filter { !known.contains($0.rank) }
            remains.scriptEnd = records.scriptEnd
            remains.unfitNodes = records.unfitNodes
        }
        var ranks = [receipt?.failedRank, remains.firstToFail?.rank, 0].compactMap { $0 }
        ranks = ranks.enumerated().filter { !ranks[..<$0.offset].contains($0.element) }.map(\.element)
        for rank in ranks {
            let path = run.rankLog(attempt: attempt, incarnation: incarnation, rank: rank)
            if let text = tail(path) { remains.tails.append(LogTail(.rank(rank), mask.hide(text))) }
        }
        if let text = tail(run.jobLog(attempt: attempt, incarnation: incarnation)) {
            remains.tails.append(LogTail(.job, mask.hide(text)))
        }
        if let text = schedulerTail(run.slurmOutput(attempt: attempt), epoch: epoch) {
            remains.tails.append(LogTail(.scheduler, mask.hide(text)))
        }
        if let epoch { progress(run.events(epoch: epoch, writer: .rank(0)), &remains) }
        return remains
    }

    /// What is read here is quoted elsewhere, in the store and to people.
    private static func mask(_ run: RunFolder, attempt: Int) -> SecretMask {
        let plan = try? JSONFile.read(LaunchPlan.self, from: run.launchPlan(attempt: attempt))
        return SecretMask(plan?.environment ?? [:], home: Paths.home)
    }

    private static func workerEnds(in folder: String) -> [WorkerEnd] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasPrefix("rank-") && $0.hasSuffix(".exit.json") }.prefix(Limits.workerEnds)
            .compactMap { try? JSONFile.read(WorkerEnd.self, from: "\(folder)/\($0)") }
    }

    static func tail(_ path: String, bytes limit: Int = Limits.tailBytes) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        let size = Int(status.st_size), start = max(0, size - limit)
        var buffer = [UInt8](repeating: 0, count: min(limit, size))
        let count = pread(descriptor, &buffer, buffer.count, off_t(start))
        guard count > 0 else { return nil }
        return String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// All incarnations of an attempt write to one file, each from its first line on: only that of `epoch` counts, or
    /// the last one. The next one may have begun already.
    private static func schedulerTail(_ path: String, epoch: Int?) -> String? {
        guard let text = tail(path) else { return nil }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        let isFirst = { (line: Substring) in line.contains("epoch ") && line.contains(": attempt ") }
        let own = epoch.flatMap { number in
            lines.lastIndex { isFirst($0) && $0.contains("epoch \(number): ") }
        }
        guard let first = own ?? lines.lastIndex(where: isFirst) else { return text }
        let rest = lines[(first + 1)...]
        let end = own.flatMap { _ in rest.firstIndex(where: isFirst) } ?? lines.endIndex
        return lines[first..<end].joined(separator: "\n")
    }

    /// What rank 0 was at when it last wrote.
    private static func progress(_ path: String, _ remains: inout Remains) {
        let decoder = BoundedJSON()
        for line in (tail(path) ?? "").split(separator: "\n").reversed() {
            guard let event = try? decoder.decode(RunEvent.self, from: Data(line.utf8)) else { continue }
            remains.phase = remains.phase ?? (event.kind == .step ? RunEvent.Phase.step : event.phase)?.rawValue
            remains.lastStep = remains.lastStep ?? event.step
            if remains.phase != nil, remains.lastStep != nil { return }
        }
    }
}
