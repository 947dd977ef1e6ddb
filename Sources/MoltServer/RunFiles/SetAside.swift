import MoltCore
import MoltStore

#if canImport(Glibc)
import Glibc
#endif

/// Checkpoints under names that nobody loads. Each step may be repeated: what is there already is not moved again.
enum SetAside {
    static let prefix = ".aside-"

    /// A free name for each: one of the same name may have been set aside before.
    static func moves(_ names: [CheckpointName], among entries: [String]) -> [RewindRecord.Move] {
        var taken = Set(entries)
        return names.map { name in
            let first = "\(prefix)\(name)"
            var to = first, number = 2
            while !taken.insert(to).inserted {
                to = "\(first)-\(number)"
                number += 1
            }
            return RewindRecord.Move(from: name.description, to: to)
        }
    }

    /// The newest first, so that one that is interrupted leaves no gap.
    static func carryOut(_ moves: [RewindRecord.Move], in folder: String) throws(FileError) {
        for move in moves.reversed() { try rename(move.from, move.to, in: folder) }
        try DurableFile.syncFolder(of: "\(folder)/")
    }

    static func takeBack(_ moves: [RewindRecord.Move], in folder: String) throws(FileError) {
        for move in moves { try rename(move.to, move.from, in: folder) }
        try DurableFile.syncFolder(of: "\(folder)/")
    }

    private static func rename(_ from: String, _ to: String, in folder: String) throws(FileError) {
        let source = "\(folder)/\(from)", goal = "\(folder)/\(to)"
        guard Glibc.rename(source, goal) != 0 else { return }
        let failure = FileError("rename", source)
        guard failure.code == ENOENT, access(goal, F_OK) == 0 else { throw failure }
    }
}
