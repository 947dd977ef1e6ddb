import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// `attempts/<n>/<incarnation>/alive`: a count that `molt-job` raises while it watches its workers.
///
/// Whoever reads it compares it with what it read before, by its own clock: no clock of another machine is believed.
package struct SignOfLife: Hashable, Sendable {
    package let path: String
    private var count = 0

    /// Seconds between two signs.
    package static let interval = 10.0
    /// A sign that stands still for longer comes from nobody: two were missed.
    package static let silenceMax = 30.0
    private static let width = 20

    package init(incarnationFolder: String) {
        path = "\(incarnationFolder)/alive"
    }

    /// Overwritten in place, so that a reader on another node who opens the file asks the server for what is in it.
    package mutating func give() throws(FileError) {
        count += 1
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        let digits = String(count)
        let line = Array((String(repeating: "0", count: Self.width - digits.count) + digits + "\n").utf8)
        guard pwrite(descriptor, line, line.count, 0) == line.count else { throw FileError("write", path) }
        guard fsync(descriptor) == 0 else { throw FileError("sync", path) }
    }

    /// The count as it is now; nil when there is none or it cannot be read.
    package func read() -> Int? {
        guard let data = try? DurableFile.read(path, limit: 64) else { return nil }
        return Int(String(decoding: data, as: UTF8.self).filter(\.isNumber))
    }
}
