import FoundationEssentials

#if canImport(Glibc)
import Glibc
#endif

/// Warns of files that other nodes will not see.
package enum DataWarnings {
    /// Sentences for people; empty for a local site.
    package static func warnings(_ recipe: Recipe, site: Site) -> [String] {
        guard site.kind == .slurm else { return [] }
        var paths: [(String, String)] = (recipe.data?.train ?? []).map { ("data.train", $0) }
        paths += (recipe.data?.validation ?? []).map { ("data.validation", $0) }
        if let start = recipe.initFrom, start.hasPrefix("/") { paths.append(("init_from", start)) }
        if let tokenizer = recipe.data?.tokenizer, tokenizer != "bytes" { paths.append(("data.tokenizer", tokenizer)) }
        let more = [
            ("prepare.out", recipe.prepare?.out), ("generation.prompts_file", recipe.generation?.promptsFile),
            ("generation.out", recipe.generation?.out), ("conversion.out", recipe.conversion?.out),
        ]
        paths += more.compactMap { key, path in path.map { (key, $0) } }
        if let file = recipe.data?.chatTemplate, file != "plain" { paths.append(("data.chat_template", file)) }
        let mounts = MountTable.current()
        return paths.compactMap { key, path in
            guard let kind = nodeLocalKind(path, runs: site.runs, mounts: mounts) else { return nil }
            return "\(key): \(path) lies on \(kind); the nodes of site '\(site.name)' may not see it. "
                + "Copy it below \(site.runs) or into another folder that they share."
        }
    }

    /// What kind of node-local file system holds the path, or nil when it looks shared.
    ///
    /// A local disk that also holds the run folders is taken as shared (a cluster of one machine), unless the path is
    /// in a scratch folder and the run folders are not.
    static func nodeLocalKind(_ path: String, runs: String, mounts: MountTable) -> String? {
        guard let mount = mounts.mount(of: realPath(path)), !mount.isNetwork else { return nil }
        if mount.isMemory { return "a memory file system (\(mount.type))" }
        let runsMount = mounts.mount(of: realPath(runs))
        if runsMount?.point == mount.point, !isScratch(path) || isScratch(runs) { return nil }
        return "a local disk of this machine (\(mount.type) on \(mount.point))"
    }

    private static func isScratch(_ path: String) -> Bool {
        ["/tmp", "/var/tmp", "/local", "/scratch/local", "/dev/shm"].contains { path == $0 || path.hasPrefix($0 + "/") }
    }

    /// The path with its links resolved, as far as it exists.
    private static func realPath(_ path: String) -> String {
        var current = path
        while !current.isEmpty {
            if let resolved = realpath(current, nil) {
                defer { free(resolved) }
                return String(cString: resolved)
            }
            current = String(current[..<(current.lastIndex(of: "/") ?? current.startIndex)])
        }
        return "/"
    }
}

/// The mounted file systems of this machine, from `/proc/self/mountinfo`.
package struct MountTable: Sendable {
    package struct Mount: Hashable, Sendable {
        package var point: String
        package var type: String

        package var isMemory: Bool { ["tmpfs", "ramfs", "devtmpfs"].contains(type) }

        package var isNetwork: Bool {
            let kinds = [
                "nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "9p", "cifs", "smb3", "afs", "panfs",
                "pvfs2", "orangefs", "ocfs2", "gfs2", "wekafs", "virtiofs", "daos", "autofs",
            ]
            return kinds.contains(type) || type.hasPrefix("fuse")
        }
    }

    private let mounts: [Mount]

    package static func current() -> MountTable {
        let data = FileManager.default.contents(atPath: "/proc/self/mountinfo") ?? Data()
        return MountTable(parsing: String(decoding: data, as: UTF8.self))
    }

    package init(parsing text: String) {
        mounts = text.split(separator: "\n").compactMap { line in
            let halves = line.split(separator: " - ", maxSplits: 1)
            let fields = halves.first?.split(separator: " ") ?? []
            guard halves.count == 2, fields.count > 4, let type = halves[1].split(separator: " ").first else {
                return nil
            }
            return Mount(point: Self.unescaped(fields[4]), type: String(type))
        }
    }

    /// The mount that holds an absolute path: the longest mount point around it, the last one when several cover it.
    package func mount(of path: String) -> Mount? {
        var best: Mount?
        for mount in mounts {
            let isAround = mount.point == "/" || path == mount.point || path.hasPrefix(mount.point + "/")
            if isAround, mount.point.utf8.count >= best?.point.utf8.count ?? 0 { best = mount }
        }
        return best
    }

    /// Blanks and the like are written as three octal digits.
    private static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = [], rest = Array(field.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), rest.count >= 3,
                let value = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8)
            {
                bytes.append(value)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
