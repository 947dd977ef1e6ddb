import FoundationEssentials
package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What the event files of a run have said since they were last read.
package struct EventTail: Sendable {
    /// One line, with the file that it came from.
    package struct Line: Sendable {
        package var epoch: Int
        /// Nil for `molt-job`.
        package var rank: Int?
        package var event: RunEvent
    }

    package var lines: [Line] = []
    /// New offsets of the files that have grown.
    package var offsets: [String: Int] = [:]

    /// Stands among the offsets: the files up to this epoch have been read to their end for good.
    static let settled = "settled"
    /// Stands among the offsets of a run that was found by its folder, until all of it has been read: 0, and 1 once
    /// the store knows its starts.
    static let behind = "behind"

    private struct File {
        let name: String
        let epoch: Int
        let rank: Int?
    }

    /// Reads what was appended to the files under `folder` after `offsets`; partial last lines are left for later. No
    /// epoch is read while there is more of those before it.
    ///
    /// - Parameter bytes: once so many have been read the rest is left for later, too.
    package static func read(
        folder: String, after offsets: [String: Int], bytes: Int = Limits.eventBytesAtOnce,
        now: Double = Date().timeIntervalSince1970
    ) -> EventTail {
        var tail = EventTail()
        let done = offsets[settled] ?? -1
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        let files = names.compactMap { name -> File? in
            guard let (epoch, rank) = parse(name), epoch > done, rank ?? 0 < Limits.eventRanks else { return nil }
            return File(name: name, epoch: epoch, rank: rank)
        }
        let newest = files.map(\.epoch).max() ?? 0
        // Chosen from the newest epoch backwards, told in the order of time.
        let chosen = files.sorted { $0.epoch > $1.epoch }.prefix(Limits.eventFilesPerRun)
            .sorted { ($0.epoch, $0.rank ?? .max) < ($1.epoch, $1.rank ?? .max) }
        var live: Set<Int> = [newest], left = bytes, unfinished = Int.max
        for file in chosen {
            if left <= 0 { unfinished = min(unfinished, file.epoch - 1) }
            guard file.epoch <= unfinished else {
                live.insert(file.epoch)
                continue
            }
            let offset = offsets[file.name] ?? 0
            switch look("\(folder)/\(file.name)", from: offset, limit: Limits.eventBytes) {
            case .new(let events, let next, let isAll):
                left -= next - offset
                if !isAll { unfinished = file.epoch }
                tail.offsets[file.name] = next
                tail.lines += events.map { Line(epoch: file.epoch, rank: file.rank, event: $0) }
                live.insert(file.epoch)
            case .end(let writtenAt):
                if now - writtenAt < Limits.eventSettle { live.insert(file.epoch) }
            case .unreadable:
                live.insert(file.epoch)
            }
        }
        if let last = chosen.map(\.epoch).last(where: { $0 < live.min() ?? 0 }) { tail.offsets[settled] = last }
        return tail
    }

    /// Reads what the ranks of a hand-written job wrote to the files that the Slurm plugin named them.
    static func read(
        plugin folder: String, name: String, epoch: Int, after offsets: [String: Int]
    ) -> EventTail {
        var tail = EventTail()
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        for file in names where file.hasPrefix("progress-") && file.hasSuffix("-0.jsonl") {
            let key = "\(name)/\(file)"
            guard case .new(let events, let next, _) = look(
                "\(folder)/\(file)", from: offsets[key] ?? 0, limit: Limits.eventBytes)
            else { continue }
            tail.offsets[key] = next
            tail.lines += events.map { Line(epoch: epoch, rank: 0, event: $0) }
        }
        return tail
    }

    /// `<epoch>-<rank|job>.jsonl`.
    static func parse(_ name: String) -> (epoch: Int, rank: Int?)? {
        guard name.hasSuffix(".jsonl") else { return nil }
        let parts = name.dropLast(".jsonl".count).split(separator: "-", maxSplits: 1)
        guard parts.count == 2, let epoch = Int(parts[0]), epoch >= 0 else { return nil }
        if parts[1] == "job" { return (epoch, nil) }
        guard let rank = Int(parts[1]), rank >= 0 else { return nil }
        return (epoch, rank)
    }

    static func readFile(
        _ path: String, from offset: Int, limit: Int = Limits.eventBytes
    ) -> (events: [RunEvent], next: Int)? {
        switch look(path, from: offset, limit: limit) {
        case .new(let events, let next, _): (events, next)
        case .end, .unreadable: nil
        }
    }

    private enum Reading {
        /// With all that was there, or the first of it.
        case new([RunEvent], next: Int, isAll: Bool)
        /// No whole line is left; when the file was last written to.
        case end(writtenAt: Double)
        case unreadable
    }

    private static func look(_ path: String, from offset: Int, limit: Int) -> Reading {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return .unreadable }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return .unreadable }
        let end = Reading.end(writtenAt: Double(status.st_mtim.tv_sec))
        guard Int(status.st_size) > offset else { return end }
        var buffer = [UInt8](repeating: 0, count: min(limit, Int(status.st_size) - offset))
        let count = pread(descriptor, &buffer, buffer.count, off_t(offset))
        guard count >= 0 else { return .unreadable }
        let bytes = buffer[0..<count], isAll = offset + count >= Int(status.st_size)
        guard let lastNewline = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            // A line longer than any that we write: pass over it rather than read it again for ever.
            return count > Limits.eventLine ? .new([], next: offset + count, isAll: isAll) : end
        }
        let decoder = BoundedJSON()
        let events = bytes[0..<lastNewline].split(separator: UInt8(ascii: "\n")).compactMap { line in
            line.count > Limits.eventLine ? nil : try? decoder.decode(RunEvent.self, from: Data(line))
        }
        return .new(events, next: offset + lastNewline + 1, isAll: isAll)
    }
}
