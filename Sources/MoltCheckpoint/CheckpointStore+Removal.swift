package import MoltCore

#if canImport(Glibc)
import Glibc
#endif

extension CheckpointStore {
    private static var trashPrefix: String { ".trash-" }

    /// Removes old checkpoints so that the newest good ones stay, the best and the milestones.
    ///
    /// - Parameters:
    ///   - good: the committed checkpoints known to be whole.
    ///   - onStep: called before each change on disk; what it throws stops the removal there, as a crash would.
    /// - Returns: the names removed.
    package func prune(
        _ rule: RetentionRule, good: Set<CheckpointName>, onStep: (String) throws -> Void = { _ in }
    ) throws(CheckpointError) -> [CheckpointName] {
        try checkFence()
        do {
            let names = try folder.names()
            var spared = Retention.milestones(names, every: rule.milestones)
            if let best = folder.best(of: names) { spared.insert(best) }
            let doomed = Retention.doomed(names, good: good, keep: rule.keep, spared: spared)
            for name in doomed { try remove(name, onStep) }
            try Failpoints.pass(.oldOnesPruned)
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
    private func remove(_ name: CheckpointName, _ onStep: (String) throws -> Void) throws {
        let path = folder.folder(of: name), trash = trash(name)
        try onStep(path)
        guard rename(path, trash) == 0 else { throw FileError("rename", path) }
        try Failpoints.pass(.checkpointTrashed)
        try removeTree(trash, onStep)
    }

    /// A new name, out of sight, for a checkpoint that goes.
    func trash(_ name: CheckpointName) -> String {
        "\(folder.path)/\(Self.trashPrefix)\(name)-\(UInt32.random(in: .min ... .max))"
    }

    /// Deletes a folder of ours with the files in it; there are no folders inside checkpoints.
    func removeTree(_ path: String, _ onStep: (String) throws -> Void = { _ in }) throws {
        for name in try CheckpointFolder(path: path).entries() {
            let file = "\(path)/\(name)"
            try onStep(file)
            guard unlink(file) == 0 || errno == ENOENT else { throw FileError("delete", file) }
        }
        try onStep(path)
        guard rmdir(path) == 0 || errno == ENOENT else { throw FileError("delete", path) }
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
