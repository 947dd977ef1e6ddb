import FoundationEssentials
package import MoltAPI
import MoltCore
import MoltLifecycle
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

// Curves and logs are read from the run folder when somebody asks.
extension RunService {
    package func progress(_ reference: String, points: Int) async throws(APIError) -> ProgressCurve {
        let (run, incarnations) = try await read { snapshot in
            let run = try self.find(reference, in: snapshot)
            return (run, try snapshot.incarnations(run.id))
        }
        return Self.curve(
            events: RunFolder(path: run.folder).events, incarnations: incarnations,
            points: max(2, min(points, WireLimits.progressPoints)))
    }

    /// A step that was taken again after a rewind counts with its later value.
    static func curve(events folder: String, incarnations: [IncarnationRecord], points: Int) -> ProgressCurve {
        var losses: [Int: Double] = [:], validation: [Int: Double] = [:]
        var marks: [ProgressCurve.Mark] = []
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .compactMap { name in EventTail.parse(name).map { (name, $0.epoch, $0.rank) } }
            .filter { $0.2 == 0 }.sorted { $0.1 < $1.1 }
        var budget = Limits.curveBytes
        for (name, epoch, _) in names {
            var first: Int?, last: Int?
            var offset = 0
            while budget > 0, let (events, next) = EventTail.readFile("\(folder)/\(name)", from: offset) {
                budget -= next - offset
                offset = next
                for event in events {
                    guard let step = event.step else { continue }
                    switch event.kind ?? .step {
                    case .step:
                        if first == nil {
                            // Later steps of an older epoch were taken back.
                            losses = losses.filter { $0.key < step }
                            validation = validation.filter { $0.key < step }
                            first = step
                        }
                        last = step
                        if let loss = event.loss, loss.isFinite { losses[step] = loss }
                    case .validation:
                        if let loss = event.validationLoss ?? event.loss, loss.isFinite { validation[step] = loss }
                    case .phase, .saved, .saveFailed, .loaded, .rejectedCheckpoint, .numericsChanged, .started, .ended,
                        .slowRank, .slowRankOver, .note:
                        break
                    }
                }
            }
            let incarnation = incarnations.first { $0.epoch == epoch }
            if let first, epoch > (names.first?.1 ?? 0), let at = incarnation?.startedAt {
                marks.append(.init(step: first, kind: "resumed", at: at))
            }
            if let last, let outcome = incarnation?.outcome, outcome != "finished", let at = incarnation?.endedAt {
                marks.append(.init(step: last, kind: outcome, at: at))
            }
        }
        return ProgressCurve(
            points: thinned(losses, to: points), validation: thinned(validation, to: points),
            marks: marks.sorted { $0.at < $1.at })
    }

    static func thinned(_ values: [Int: Double], to count: Int) -> [ProgressCurve.Point] {
        let all = values.sorted { $0.key < $1.key }.map { ProgressCurve.Point(step: $0.key, loss: $0.value) }
        guard all.count > count else { return all }
        return (0..<count).map { all[$0 * (all.count - 1) / (count - 1)] }
    }

    package func log(_ reference: String, _ query: LogQuery) async throws(APIError) -> LogChunk {
        let (run, attempts, incarnations) = try await read { snapshot in
            let run = try self.find(reference, in: snapshot)
            return (run, try snapshot.attempts(run.id), try snapshot.incarnations(run.id))
        }
        guard let number = query.attempt ?? attempts.last?.number else {
            throw APIError(.notFound, "run \(run.id) has not been submitted yet", fix: "molt show \(run.id) says why")
        }
        guard let attempt = attempts.first(where: { $0.number == number }) else {
            throw APIError(.notFound, "run \(run.id) has no attempt \(number)", fix: "it has 1 to \(attempts.count)")
        }
        let folder = RunFolder(path: run.folder)
        let mine = incarnations.filter { $0.attempt == number }
        let incarnation = query.incarnation ?? Self.newestIncarnation(folder, number) ?? mine.last?.number ?? 0
        let candidates: [(String, String)]
        if let rank = query.rank {
            candidates = [("rank", folder.rankLog(attempt: number, incarnation: incarnation, rank: rank))]
        } else {
            candidates = [
                ("rank", folder.rankLog(attempt: number, incarnation: incarnation, rank: 0)),
                ("job", folder.jobLog(attempt: number, incarnation: incarnation)),
                ("scheduler", folder.slurmOutput(attempt: number)),
            ]
        }
        // All starts of a hand-written job write to the file that its owner has chosen.
        let output = query.rank == nil ? (try? WatchedRun(run))?.lifecycle.adopted?.output : nil
        let isOver = attempt.endedAt != nil || (mine.first { $0.number == incarnation }?.endedAt != nil)
        for (source, path) in candidates + (output.map { [("scheduler", $0)] } ?? []) {
            guard let (text, next, size) = Self.readLog(path, query), size > 0 else { continue }
            try takeLogBytes(text.utf8.count)
            return LogChunk(
                source: source, attempt: number, incarnation: incarnation, path: path, text: text, next: next,
                isComplete: isOver && next >= size)
        }
        return LogChunk(
            source: "rank", attempt: number, incarnation: incarnation, path: candidates[0].1, text: "",
            next: query.offset, isComplete: isOver)
    }

    private static func newestIncarnation(_ folder: RunFolder, _ attempt: Int) -> Int? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.attempt(attempt))) ?? []
        return names.compactMap(Int.init).max()
    }

    private static func readLog(_ path: String, _ query: LogQuery) -> (text: String, next: Int, size: Int)? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        let size = Int(status.st_size)
        var start = query.offset
        if start == 0, let tail = query.tail { start = max(0, size - tail) }
        let length = max(0, min(WireLimits.logBytes, size - start))
        var buffer = [UInt8](repeating: 0, count: length)
        let count = length > 0 ? pread(descriptor, &buffer, length, off_t(start)) : 0
        guard count > 0 else { return ("", start, size) }
        return (String(decoding: buffer[0..<count], as: UTF8.self), start + count, size)
    }
}
