package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

extension CheckpointStore {
    private static var trashPrefix: String { ".trash-" }

    /// Removes old checkpoints so that the newest good ones stay; returns the names removed.
    ///
    /// - Parameter good: the committed checkpoints known to be whole.
    package func prune(keep: Int, good: Set<CheckpointName>) throws(CheckpointError) -> [CheckpointName] {
        try checkFence()
        do {
            let doomed = Retention.doomed(try folder.names(), good: good, keep: keep)
            for name in doomed { try remove(name) }
            return doomed
        } catch { throw CheckpointError(wrapping: error) }
    }

    /// Clears what earlier incarnations left unfinished: their temporary folders, and trash.
    ///
    /// Only an owner may: one that is fenced out could be deleting under its successor's hands.
    package func clearLeftovers() throws(CheckpointError) {
        try checkFence()
        do {
            for name in try folder.entries() where isLeftover(name) {
                try removeTree("\(folder.path)/\(name)")
            }
        } catch { throw CheckpointError(wrapping: error) }
    }

    private func isLeftover(_ name: String) -> Bool {
        if name.hasPrefix(Self.trashPrefix) { return true }
        let parts = name.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == ".tmp", let writer = Int(parts[1]), Int(parts[2]) != nil else {
            return false
        }
        return writer <= epoch
    }

    /// Takes the checkpoint out of sight in one step, then deletes it: a crash between leaves trash, not half a
    /// checkpoint.
    func remove(_ name: CheckpointName) throws {
        let path = folder.folder(of: name), trash = trash(name)
        guard rename(path, trash) == 0 else { throw FileError("rename", path) }
        try removeTree(trash)
    }

    /// A new name, out of sight, for a checkpoint that goes.
    func trash(_ name: CheckpointName) -> String {
        "\(folder.path)/\(Self.trashPrefix)\(name)-\(UInt32.random(in: .min ... .max))"
    }

    /// Deletes a folder of ours with the files in it; there are no folders inside checkpoints.
    func removeTree(_ path: String) throws {
        for name in try CheckpointFolder(path: path).entries() {
            let file = "\(path)/\(name)"
            guard unlink(file) == 0 || errno == ENOENT else { throw FileError("delete", file) }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw FileError("delete", path) }
    }
}

/// Which checkpoints may go: a pure choice.
package enum Retention {
    /// Everything older than the `keep` newest good ones; never fewer than two good ones stay. Those not known to be
    /// good among the newest stay too: they are evidence, and somebody may yet mend them.
    package static func doomed(
        _ names: [CheckpointName], good: Set<CheckpointName>, keep: Int
    ) -> [CheckpointName] {
        var goodSeen = 0
        var doomed: [CheckpointName] = []
        for name in names.sorted(by: >) {
            if goodSeen >= max(keep, Limits.goodCheckpointsMin) { doomed.append(name) }
            if good.contains(name) { goodSeen += 1 }
        }
        return doomed
    }
}

extension CheckpointError {
    init(wrapping error: any Error) {
        switch error {
        case let error as CheckpointError: self = error
        case let error as FileError: self = .file(error)
        default: self = .other("\(error)")
        }
    }
}
