import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Text for people in `job.log` (and in Slurm's own output), events for the daemon in `events/<epoch>-job.jsonl`.
final class JobLog {
    private var log: Int32 = -1
    private var events: Int32 = -1

    func open(log path: String, events eventPath: String) throws(FileError) {
        log = try Self.appending(path)
        events = try Self.appending(eventPath)
    }

    func say(_ text: String) {
        let line = "\(Self.stamp()) \(text)\n"
        Self.write(line, to: STDERR_FILENO)
        if log >= 0 { Self.write(line, to: log) }
    }

    func event(_ kind: RunEvent.Kind, _ message: String, checkpoint: String? = nil) {
        var event = RunEvent(kind, at: Clock.now(), message: message)
        event.checkpoint = checkpoint
        guard events >= 0, let data = try? JSONFile.encode(event) else { return }
        Self.write(String(decoding: data, as: UTF8.self) + "\n", to: events)
    }

    /// One line on standard error, before there is a log.
    static func complain(_ text: String) { write("molt-job: \(text)\n", to: STDERR_FILENO) }

    func sync() {
        for descriptor in [log, events] where descriptor >= 0 { fsync(descriptor) }
    }

    private static func appending(_ path: String) throws(FileError) -> Int32 {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileError("open", path) }
        return descriptor
    }

    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    /// `2026-11-21T02:12:24Z`.
    private static func stamp() -> String { Date().formatted(.iso8601) }

    /// The last lines of a worker's log, for people; safe to print.
    static func tail(_ path: String, lines: Int = 20, bytesMax: Int = 8192) -> [String] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        let size = Int(lseek(descriptor, 0, SEEK_END)), start = max(0, size - bytesMax)
        var buffer = [UInt8](repeating: 0, count: bytesMax)
        let count = pread(descriptor, &buffer, bytesMax, off_t(start))
        guard count > 0 else { return [] }
        return String(decoding: buffer[0..<count], as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: true).suffix(lines)
            .map { DisplayText.escaped(String($0), limit: 400) }
    }
}
