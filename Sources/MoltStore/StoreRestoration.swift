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

    /// Tells that the run folders have been looked through, and the store is as good as it will be.
    package func settle(path: String) throws(StoreError) {
        let pending = Self.pending(path)
        do throws(FileError) {
            guard unlink(pending) == 0 || errno == ENOENT else { throw FileError("remove", pending) }
            try DurableFile.syncFolder(of: pending)
        } catch {
            throw .unusable(path: pending, message: "\(error)")
        }
    }

    /// Beside the database from before its copy takes its place until that is settled: whoever dies in between leaves
    /// word of it to the next.
    static func pending(_ path: String) -> String { path + ".restoring" }

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
        path: String, isShared: Bool? = nil, backups: StoreBackups, at now: Double
    ) throws(StoreError) -> (store: Store, restoration: StoreRestoration?) {
        let damage: String
        if isMissing(path), !backups.all.isEmpty {
            damage = "the database is gone"
        } else {
            do throws(StoreError) {
                return (try open(path: path, isShared: isShared), try unsettled(path))
            } catch {
                guard case .corrupt(_, let message) = error else { throw error }
                damage = message
            }
        }
        for backup in backups.all where try StoreBackups.damage(of: backup.path) == nil {
            let restoration = try restore(path: path, from: backup, damage: damage, at: now)
            return (try open(path: path, isShared: isShared), restoration)
        }
        throw .corrupt(path: path, message: "\(damage); there is no good copy of it in \(backups.folder)")
    }

    private static func unsettled(_ path: String) throws(StoreError) -> StoreRestoration? {
        let pending = StoreRestoration.pending(path)
        guard access(pending, F_OK) == 0 || errno != ENOENT else { return nil }
        do {
            return try JSONFile.read(StoreRestoration.self, from: pending)
        } catch {
            throw .unusable(path: pending, message: "\(error)")
        }
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
            try JSONFile.write(result, to: "\(result.aside)/restoration.json")
            try JSONFile.write(result, to: StoreRestoration.pending(path))
            guard link(path, "\(result.aside)/\(name)") == 0 || [ENOENT, EEXIST].contains(errno) else {
                throw FileError("link", path)
            }
            // A log that belongs to the damaged file must not be applied to its successor.
            for suffix in ["-wal", "-shm", "-journal"] {
                guard rename(path + suffix, "\(result.aside)/\(name)\(suffix)") == 0 || errno == ENOENT else {
                    throw FileError("put aside", path + suffix)
                }
            }
            guard rename(copy, path) == 0 else { throw FileError("rename to", path) }
            try DurableFile.syncFolder(of: path)
        } catch {
            throw .unusable(path: path, message: "it is damaged (\(damage)) and cannot be restored: \(error)")
        }
        return result
    }
}
