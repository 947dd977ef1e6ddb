import FoundationEssentials
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// A damaged database was put aside and the newest good copy took its place. What happened since then only the run
/// folders and the scheduler know.
package struct StoreRestoration: Codable, Hashable, Sendable {
    /// What was wrong.
    package var damage: String
    /// When the copy was made; seconds since 1970.
    package var takenAt: Double
    package var restoredAt: Double
    /// The folder with what was damaged; its `restoration.json` holds this value.
    package var aside: String

    /// Where the restorations of a home are told.
    package static func all(home: String) -> [StoreRestoration] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: home)) ?? []
        return names.filter { $0.hasPrefix("damaged-") }.compactMap {
            try? JSONFile.read(StoreRestoration.self, from: "\(home)/\($0)/restoration.json")
        }.sorted { $0.restoredAt < $1.restoredAt }
    }
}

extension Store {
    /// Opens the database; one that is damaged, or is gone though there are copies of it, is restored first. Throws
    /// when there is no good copy, and then nothing was touched.
    package static func openRestoring(
        path: String, backups: StoreBackups, at now: Double
    ) throws(StoreError) -> (store: Store, restoration: StoreRestoration?) {
        let damage: String
        if isMissing(path), !backups.all.isEmpty {
            damage = "the database is gone"
        } else {
            do throws(StoreError) {
                return (try open(path: path), nil)
            } catch {
                guard case .corrupt(_, let message) = error else { throw error }
                damage = message
            }
        }
        guard let backup = backups.all.first(where: { StoreBackups.damage(of: $0.path) == nil }) else {
            throw .corrupt(path: path, message: "\(damage); there is no good copy of it in \(backups.folder)")
        }
        let restoration = try restore(path: path, from: backup, damage: damage, at: now)
        return (try open(path: path), restoration)
    }

    private static func isMissing(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_size == 0 : errno == ENOENT
    }

    /// The database keeps its name until the copy takes it, so that a death on the way leaves something to restore.
    private static func restore(
        path: String, from backup: StoreBackups.Backup, damage: String, at now: Double
    ) throws(StoreError) -> StoreRestoration {
        let home = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let result = StoreRestoration(
            damage: damage, takenAt: backup.takenAt, restoredAt: now, aside: "\(home)/damaged-\(Int(now))")
        let name = String(path.dropFirst(home.count + 1))
        do {
            let copy = path + ".restored"
            try? FileManager.default.removeItem(atPath: copy)
            try FileManager.default.copyItem(atPath: backup.path, toPath: copy)
            try StoreBackups.sync(copy)
            try DurableFile.makeFolder(result.aside)
            link(path, "\(result.aside)/\(name)")
            // A log that belongs to the damaged file must not be applied to its successor.
            for suffix in ["-wal", "-shm", "-journal"] { rename(path + suffix, "\(result.aside)/\(name)\(suffix)") }
            guard rename(copy, path) == 0 else { throw FileError("rename to", path) }
            try DurableFile.syncFolder(of: path)
            try JSONFile.write(result, to: "\(result.aside)/restoration.json")
        } catch {
            throw .unusable(path: path, message: "it is damaged (\(damage)) and cannot be restored: \(error)")
        }
        return result
    }
}
