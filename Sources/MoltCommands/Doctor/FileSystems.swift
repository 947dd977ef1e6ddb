import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What kind of file system a folder lies on, by the kernel's table of mounts.
enum FileSystems {
    static let memory: Set<String> = ["tmpfs", "ramfs"]
    /// Kinds that only this machine's kernel serves.
    static let local: Set<String> = ["ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "overlay", "jfs"]

    static func kind(of path: String) -> String? {
        guard let real = realpath(path, nil) else { return nil }
        defer { free(real) }
        let mounts = (try? DurableFile.read("/proc/self/mountinfo")).map { String(decoding: $0, as: UTF8.self) }
        return mounts.flatMap { kind(of: String(cString: real), mounts: $0) }
    }

    /// The deepest mount point above the path decides; of two on one point the later covers the earlier.
    static func kind(of path: String, mounts: String) -> String? {
        var best: (depth: Int, kind: String)?
        for line in mounts.split(separator: "\n") {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2, let kind = halves[1].split(separator: " ").first else { continue }
            let fields = halves[0].split(separator: " ")
            guard fields.count > 4 else { continue }
            let point = fields[4].replacing("\\040", with: " ")
            guard point == "/" || path == point || path.hasPrefix(point + "/") else { continue }
            if point.utf8.count >= best?.depth ?? 0 { best = (point.utf8.count, String(kind)) }
        }
        return best?.kind
    }
}
