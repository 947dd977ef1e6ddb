import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What rank 0 of one start reported, for the account of its time.
enum CostEvents {
    /// - Parameter folder: what the Slurm plugin calls the folder of this start; each of the job's steps has files.
    static func ofPlugin(_ folder: String, from start: Double, to end: Double) -> [RunEvent] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let files = names.filter { $0.hasPrefix("progress-") && $0.hasSuffix("-0.jsonl") }.sorted()
        return read(files.prefix(Limits.costFiles).map { "\(folder)/\($0)" }, from: start, to: end)
    }

    /// The lines of all files, those that were written to last at the end.
    static func read(_ paths: [String], from start: Double, to end: Double) -> [RunEvent] {
        var result: [RunEvent] = [], last = start
        let files = paths.compactMap { path in writtenAt(path).map { (path: path, at: max(start, min($0, end))) } }
        for file in files.sorted(by: { ($0.at, $0.path) < ($1.at, $1.path) }) {
            result += timed(lines(of: file.path), from: last, to: file.at)
            last = file.at
        }
        return result
    }

    /// A program of the user's own need not tell when it took its steps: then they are thought to be of one length.
    ///
    /// - Parameter end: when the last one was written.
    static func timed(_ events: [RunEvent], from start: Double, to end: Double) -> [RunEvent] {
        let isStep = { (event: RunEvent) in (event.kind ?? .step) == .step && event.step != nil }
        let steps = events.filter(isStep)
        guard !steps.isEmpty, !steps.contains(where: { $0.at != nil }) else { return events }
        var taken = 0.0
        return events.map { event in
            guard isStep(event) else { return event }
            taken += 1
            var timed = event
            timed.at = start + (end - start) * taken / Double(steps.count)
            return timed
        }
    }

    private static func lines(of path: String) -> [RunEvent] {
        var result: [RunEvent] = [], offset = 0
        while offset < Limits.curveBytes, let (events, next) = EventTail.readFile(path, from: offset) {
            result += events
            offset = next
        }
        return result
    }

    private static func writtenAt(_ path: String) -> Double? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1e9
    }
}
