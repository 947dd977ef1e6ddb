import FoundationEssentials
import MoltAPI
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// What lies in a run's folder, and the removal of checkpoints that nobody needs.
enum Storage {
    /// Adds up allocated bytes; a file with several names counts once, and one that another run has too counts as
    /// theirs.
    static func measure(_ run: RunFolder, into usage: inout RunUsage) {
        var seen: Set<UInt64> = []
        for path in files(below: run.path) {
            var status = stat()
            guard lstat(path, &status) == 0, seen.insert(UInt64(status.st_ino)).inserted else { continue }
            let bytes = Int(status.st_blocks) * 512
            if path.hasPrefix("\(run.checkpoints)/\(SetAside.prefix)") {
                usage.setAside = (usage.setAside ?? 0) + bytes
            } else if path.hasPrefix(run.checkpoints + "/") {
                usage.checkpoints += bytes
            } else if path.hasPrefix(run.base) {
                if status.st_nlink == 1 { usage.base += bytes }
            } else if path.hasPrefix(run.attempts + "/"), path.hasSuffix(".log") || path.hasSuffix(".out") {
                usage.logs += bytes
            } else {
                usage.other += bytes
            }
        }
        usage.checkpointCount = checkpoints(run).count
    }

    /// Ascending.
    static func checkpoints(_ run: RunFolder) -> [CheckpointName] {
        names(run.checkpoints).compactMap(CheckpointName.init(parsing:)).sorted()
    }

    /// What crashes left below `checkpoints/` of a run without a job: unfinished saves, and what was thrown away.
    static func leftovers(_ run: RunFolder) -> [String] {
        names(run.checkpoints).filter { $0.hasPrefix(".tmp-") || $0.hasPrefix(".trash-") }
    }

    /// Whole checkpoints that somebody may want back.
    static func setAside(_ run: RunFolder) -> [String] {
        names(run.checkpoints).filter { $0.hasPrefix(SetAside.prefix) }
    }

    static func bytes(of folder: String) -> Int {
        files(below: folder).reduce(0) { sum, path in
            var status = stat()
            return lstat(path, &status) == 0 && status.st_nlink == 1 ? sum + Int(status.st_blocks) * 512 : sum
        }
    }

    /// Out of sight first, so that an interrupted removal never leaves half a checkpoint under its name.
    static func remove(_ name: String, of run: RunFolder) throws {
        let path = "\(run.checkpoints)/\(name)"
        let trash = name.hasPrefix(".trash-") ? path : "\(run.checkpoints)/.trash-\(name)"
        if trash != path {
            if FileManager.default.fileExists(atPath: trash) { try FileManager.default.removeItem(atPath: trash) }
            try FileManager.default.moveItem(atPath: path, toPath: trash)
        }
        try FileManager.default.removeItem(atPath: trash)
    }

    private static func names(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private static func files(below folder: String) -> [String] {
        var result: [String] = [], open = [folder]
        while let next = open.popLast() {
            for name in names(next) {
                let path = "\(next)/\(name)"
                var status = stat()
                guard lstat(path, &status) == 0 else { continue }
                if status.st_mode & S_IFMT == S_IFDIR { open.append(path) } else { result.append(path) }
            }
        }
        return result
    }
}
