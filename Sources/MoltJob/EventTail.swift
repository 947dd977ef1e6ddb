import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Reads what was appended to the event files of one epoch since the last look.
struct EventTail {
    private let folder: String
    private let prefix: String
    /// The only rank to follow; nil for all.
    private let rank: Int?
    private var offsets: [String: Int] = [:]

    static let bytesMax = 4 << 20

    init(run: RunFolder, epoch: Int, rank: Int? = nil) {
        folder = run.events
        prefix = "\(epoch)-"
        self.rank = rank
    }

    mutating func newEvents() -> [(rank: Int, event: RunEvent)] {
        var found: [(rank: Int, event: RunEvent)] = []
        for rank in ranks() {
            found += newEvents(of: "\(prefix)\(rank).jsonl").map { (rank, $0) }
        }
        return found
    }

    private func ranks() -> [Int] {
        if let rank { return [rank] }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix(prefix), name.hasSuffix(".jsonl") else { return nil }
            return Int(name.dropFirst(prefix.count).dropLast(".jsonl".count))
        }.sorted()
    }

    /// Whole lines only; a line that is no event still counts as a sign of life.
    private mutating func newEvents(of name: String) -> [RunEvent] {
        let descriptor = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        let start = offsets[name, default: 0]
        var bytes: [UInt8] = [], buffer = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count < Self.bytesMax {
            let count = pread(descriptor, &buffer, buffer.count, off_t(start + bytes.count))
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += buffer[0..<count]
        }
        guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return [] }
        offsets[name] = start + end + 1
        let decoder = BoundedJSON()
        return bytes[0..<end].split(separator: UInt8(ascii: "\n")).map { line in
            (try? decoder.decode(RunEvent.self, from: Data(line))) ?? RunEvent(.note, at: Clock.now())
        }
    }
}
