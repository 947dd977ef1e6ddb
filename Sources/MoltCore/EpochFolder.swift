import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// The claims of a run, `epochs/<n>`: the highest one owns it.
package struct EpochFolder: Hashable, Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// A claim's number is also appended to this file. A network file system may show a stale listing of a folder for
    /// a minute, but opening a file asks the server.
    private var newestFile: String { "\(path)/newest" }
    private static let newestBytesMax = 1 << 20

    /// The highest epoch that anybody claimed; 0 for none.
    package func newest() throws(FileError) -> Int {
        let listed = try CheckpointFolder(path: path).entries().compactMap { Int($0) }.max() ?? 0
        return max(listed, announced())
    }

    /// Called after the claim exists; without it the listing alone has to tell.
    package func announce(_ epoch: Int) {
        let descriptor = open(newestFile, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        let line = Array("\(epoch)\n".utf8)
        guard Glibc.write(descriptor, line, line.count) == line.count else { return }
        fsync(descriptor)
    }

    private func announced() -> Int {
        guard let data = try? DurableFile.read(newestFile, limit: Self.newestBytesMax) else { return 0 }
        return data.split(separator: UInt8(ascii: "\n"))
            .compactMap { Int(String(decoding: $0, as: UTF8.self)) }.max() ?? 0
    }
}
