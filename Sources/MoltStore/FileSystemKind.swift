import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What kind of file system a path lies on.
package enum FileSystemKind {
    /// File systems of this machine's own kernel; everything else may be shared between machines.
    private static let local: Set<String> = [
        "ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "f2fs", "ramfs", "jfs", "reiserfs",
    ]

    /// True when only this machine can reach `path`; false when that is not certain.
    package static func isLocal(_ path: String) -> Bool {
        let mounts = (try? DurableFile.read("/proc/self/mountinfo")).map { String(decoding: $0, as: UTF8.self) }
        guard let mounts, let resolved = resolve(path) else { return false }
        return kind(of: resolved, mounts: mounts).map(local.contains) ?? false
    }

    /// The type of the file system that holds `path`, from the text of `/proc/self/mountinfo`.
    package static func kind(of path: String, mounts: String) -> String? {
        var best: (length: Int, kind: String)?
        for line in mounts.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 6, let dash = fields.firstIndex(of: "-"), fields.indices.contains(dash + 1) else {
                continue
            }
            let point = unescaped(fields[4])
            let isAbove = point == "/" || path == point || path.hasPrefix(point + "/")
            // The later of two mounts on one point covers the earlier.
            if isAbove, point.utf8.count >= best?.length ?? 0 {
                best = (point.utf8.count, String(fields[dash + 1]))
            }
        }
        return best?.kind
    }

    /// The real path of the nearest ancestor that exists.
    private static func resolve(_ path: String) -> String? {
        var path = path
        while true {
            if let real = realpath(path, nil) {
                defer { free(real) }
                return String(cString: real)
            }
            guard let slash = path.lastIndex(of: "/") else { return nil }
            path = slash == path.startIndex ? "/" : String(path[..<slash])
        }
    }

    /// Mount points show blanks and backslashes in octal.
    private static func unescaped(_ text: Substring) -> String {
        String(text).replacing("\\040", with: " ").replacing("\\011", with: "\t").replacing("\\134", with: "\\")
    }
}
