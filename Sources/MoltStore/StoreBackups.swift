import FoundationEssentials
import GRDB
import MoltCore

#if canImport(Glibc)
import Glibc
#endif

/// Whole copies of the database, made while it is in use, and checked before they count.
package struct StoreBackups: Hashable, Sendable {
    package let folder: String

    package init(folder: String) {
        self.folder = folder
    }

    package struct Backup: Hashable, Sendable {
        package var path: String
        /// Seconds since 1970.
        package var takenAt: Double
    }

    /// Newest first.
    package var all: [Backup] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in
            guard name.hasPrefix("molt-"), name.hasSuffix(".sqlite"), let at = Double(name.dropFirst(5).dropLast(7))
            else { return nil }
            return Backup(path: "\(folder)/\(name)", takenAt: at)
        }.sorted { $0.takenAt > $1.takenAt }
    }

    /// Copies what is committed; the copy is whole and has been checked, or it is not there.
    @discardableResult
    package func make(of store: Store, at now: Double) async throws(StoreError) -> Backup {
        let temporary = "\(folder)/new.sqlite"
        let backup = Backup(path: "\(folder)/molt-\(Int(now)).sqlite", takenAt: now.rounded(.down))
        do {
            try DurableFile.makeFolder(folder)
            unlink(temporary)
            defer { unlink(temporary) }
            try await store.copy(to: temporary)
            if let damage = try StoreBackups.damage(of: temporary) {
                throw StoreError.corrupt(path: temporary, message: damage)
            }
            try Self.sync(temporary)
            guard rename(temporary, backup.path) == 0 else { throw FileError("rename to", backup.path) }
            try DurableFile.syncFolder(of: backup.path)
        } catch {
            throw Self.storeError(error, path: temporary)
        }
        for old in all.dropFirst(StoreLimits.backups) { unlink(old.path) }
        return backup
    }

    /// What is wrong with a database that nobody uses; nil when nothing is. Throws when that cannot be told now.
    static func damage(of path: String) throws(StoreError) -> String? {
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? queue.close() }
            return try queue.read { db in
                let verdict = try String.fetchOne(db, sql: "PRAGMA integrity_check(1)") ?? "no answer"
                guard verdict == "ok" else { return verdict }
                _ = try RunRecord.fetchCount(db)
                return nil
            }
        } catch {
            let error = StoreError.from(error, path: path)
            guard case .corrupt(_, let message) = error else { throw error }
            return message
        }
    }

    /// Writes a copy's bytes to the disk.
    static func sync(_ path: String) throws(FileError) {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw FileError("open", path) }
        defer { close(descriptor) }
        fchmod(descriptor, 0o600)
        guard fsync(descriptor) == 0 else { throw FileError("sync", path) }
    }

    private static func storeError(_ error: any Error, path: String) -> StoreError {
        guard let error = error as? FileError else { return StoreError.from(error, path: path) }
        if error.code == ENOSPC || error.code == EDQUOT { return .full(path: path) }
        return .unusable(path: path, message: error.description)
    }
}

extension Store {
    /// How many rows this daemon has changed since it opened the database.
    package func countChanges() async throws(StoreError) -> Int {
        try await read { $0.db.totalChangesCount }
    }

    /// Everything committed so far, in a new file that stands by itself.
    func copy(to path: String) async throws(StoreError) {
        do {
            try await writer.writeWithoutTransaction { db in
                try db.execute(sql: "VACUUM INTO ?", arguments: [path])
            }
        } catch {
            throw StoreError.from(error, path: self.path)
        }
    }
}
