import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// The database and its copies under another name, while no daemon has them open. Without them the daemon finds the
/// runs by their folders.
enum DatabaseAside {
    private static let names = ["molt.sqlite", "molt.sqlite-wal", "molt.sqlite-shm", "molt.sqlite-journal"]

    /// - Returns: the folder that holds them now; nil when there was nothing.
    static func move(home: String, at now: Double) throws(CommandFailure) -> String? {
        let lock = open("\(home)/daemon.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard lock >= 0 else { throw failure(FileError("open", "\(home)/daemon.lock")) }
        defer { close(lock) }
        // A daemon that starts just now would open what is being moved.
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            throw .unavailable("another daemon has just been started", at: "\(home)/daemon.lock", fix: "try again")
        }
        do throws(FileError) {
            // The copies and the word of a restoration go first: without the database they would take its place.
            let things = ["backups", "molt.sqlite.restoring", "molt.sqlite.restored"] + names
            var there: [String] = []
            for name in things where try isThere("\(home)/\(name)") { there.append(name) }
            guard !there.isEmpty else { return nil }
            let aside = try freshFolder(home, now)
            for name in there {
                guard rename("\(home)/\(name)", "\(aside)/\(name)") == 0 else {
                    throw FileError("set aside", "\(home)/\(name)")
                }
            }
            try DurableFile.syncFolder(of: "\(aside)/")
            try DurableFile.syncFolder(of: "\(home)/")
            return aside
        } catch { throw failure(error) }
    }

    private static func isThere(_ path: String) throws(FileError) -> Bool {
        if access(path, F_OK) == 0 { return true }
        guard errno == ENOENT else { throw FileError("find", path) }
        return false
    }

    private static func freshFolder(_ home: String, _ now: Double) throws(FileError) -> String {
        var number = 0
        while true {
            let path = "\(home)/replaced-\(Int(now))" + (number == 0 ? "" : "-\(number)")
            if mkdir(path, 0o700) == 0 { return path }
            guard errno == EEXIST, number < 100 else { throw FileError("create folder", path) }
            number += 1
        }
    }

    private static func failure(_ error: FileError) -> CommandFailure {
        .unavailable("the database cannot be set aside: \(error)", fix: "nothing is lost; mend that and try again")
    }
}
