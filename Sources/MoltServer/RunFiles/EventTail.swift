import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What the event files of a run have said since they were last read.
struct EventTail: Sendable {
    /// One line, with the file that it came from.
    struct Line: Sendable {
        var epoch: Int
        /// Nil for `molt-job`.
        var rank: Int?
        var event: RunEvent
    }

    var lines: [Line] = []
    /// New offsets of the files that have grown.
    var offsets: [String: Int] = [:]

    /// Reads what was appended to the files under `folder` after `offsets`; partial last lines are left for later.
    static func read(folder: String, after offsets: [String: Int]) -> EventTail {
        var tail = EventTail()
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        for name in names.sorted().prefix(Limits.eventFilesPerRun) {
            guard let (epoch, rank) = parse(name) else { continue }
            let offset = offsets[name] ?? 0
            guard let (events, next) = readFile("\(folder)/\(name)", from: offset), next > offset else { continue }
            tail.offsets[name] = next
            tail.lines += events.map { Line(epoch: epoch, rank: rank, event: $0) }
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
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: limit)
        let count = pread(descriptor, &buffer, limit, off_t(offset))
        guard count > 0 else { return nil }
        let bytes = buffer[0..<count]
        guard let lastNewline = bytes.lastIndex(of: UInt8(ascii: "\n")) else {
            // A line longer than any that we write: pass over it rather than read it again for ever.
            return count > Limits.eventLine ? ([], offset + count) : nil
        }
        let decoder = JSONDecoder()
        let events = bytes[0..<lastNewline].split(separator: UInt8(ascii: "\n")).compactMap { line in
            line.count > Limits.eventLine ? nil : try? decoder.decode(RunEvent.self, from: Data(line))
        }
        return (events, offset + lastNewline + 1)
    }
}
