package import GRDB
import MoltCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// What the daemon knows, in SQLite. One process writes it: the daemon that holds the lease.
///
/// Every write is one transaction that keeps the event log and the state derived from it together.
package struct Store: Sendable {
    package let path: String
    package let writer: any DatabaseWriter
    /// The lease under which this store was opened; a later opener raises it.
    let leaseEpoch: Int64
    /// The runs that were written to since this store was opened.
    package let changes = RunChanges()
    /// Nil for a database in memory.
    private let inode: UInt64?
    /// What a transaction met that cannot be read any more.
    private let damage = Damage()

    private final class Damage: Sendable {
        let found = Mutex<StoreError?>(nil)
    }

    /// Opens or creates the database, with permissions 0600, checks it, and brings its schema up to date.
    /// - Parameter isShared: several machines can reach it; nil: as its file system says.
    package static func open(path: String, isShared: Bool? = nil) throws(StoreError) -> Store {
        do {
            try createPrivately(path)
            let isShared = isShared ?? !FileSystemKind.isLocal(path)
            let queue = try DatabaseQueue(path: path, configuration: configuration(isShared: isShared))
            return try Store(path: path, writer: queue)
        } catch {
            throw StoreError.from(error, path: path)
        }
    }

    package static func inMemory() throws(StoreError) -> Store {
        do {
            return try Store(path: ":memory:", writer: DatabaseQueue(configuration: memoryConfiguration))
        } catch {
            throw StoreError.from(error, path: ":memory:")
        }
    }

    private init(path: String, writer: any DatabaseWriter) throws {
        self.path = path
        self.writer = writer
        switch path == ":memory:" ? nil : Self.inode(of: path) {
        case nil: inode = nil
        case .success(let number): inode = number
        case .failure(let error): throw StoreError.unusable(path: path, message: error.description)
        }
        let migrator = Migrations.migrator
        try writer.read { db in
            if try migrator.hasBeenSuperseded(db) { throw StoreError.superseded(path: path) }
            let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
            if verdict != "ok" { throw StoreError.corrupt(path: path, message: verdict) }
        }
        try migrator.migrate(writer)
        try Failpoints.pass(.storeMigrated)
        leaseEpoch = try writer.write { db in
            try db.execute(sql: "UPDATE lease SET epoch = epoch + 1")
            return try Int64.fetchOne(db, sql: "SELECT epoch FROM lease") ?? 0
        }
    }

    private static func configuration(isShared: Bool) -> Configuration {
        var configuration = memoryConfiguration
        // WAL needs shared memory, which network file systems do not have.
        let journal = isShared ? "TRUNCATE" : "WAL"
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA locking_mode = EXCLUSIVE")
            try db.execute(sql: "PRAGMA journal_mode = \(journal)")
            try db.execute(sql: "PRAGMA synchronous = FULL")
        }
        return configuration
    }

    private static var memoryConfiguration: Configuration {
        var configuration = Configuration()
        configuration.label = "molt.store"
        configuration.busyMode = .timeout(2)
        configuration.foreignKeysEnabled = true
        return configuration
    }

    private static func createPrivately(_ path: String) throws(StoreError) {
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            let code = errno
            if code == ENOSPC || code == EDQUOT { throw .full(path: path) }
            throw .unusable(path: path, message: String(cString: strerror(code)))
        }
        fchmod(descriptor, 0o600)
        Glibc.close(descriptor)
    }

    private static func inode(of path: String) -> Result<UInt64, FileError> {
        var status = stat()
        return stat(path, &status) == 0 ? .success(UInt64(status.st_ino)) : .failure(FileError("look at", path))
    }

    /// Throws when the file is no longer the one that was opened, or was found damaged. A file server that cannot say
    /// so now (ESTALE, EIO) is no proof; when it stays away, the lease runs out.
    package func checkStillThere() throws(StoreError) {
        if let damage = damage.found.withLock({ $0 }) { throw damage }
        guard let inode else { return }
        switch Self.inode(of: path) {
        case .success(inode): return
        case .success: throw .removed(path: path)
        case .failure(let error):
            if error.code == ENOENT { throw .removed(path: path) }
        }
    }

    /// One transaction; throws without a trace of it when anything in it fails.
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (StoreTransaction) throws -> Value
    ) async throws(StoreError) -> Value {
        let lease = leaseEpoch, changes = self.changes
        do {
            return try await writer.write { db in
                guard try Int64.fetchOne(db, sql: "SELECT epoch FROM lease") == lease else {
                    throw StoreError.leaseLost
                }
                return try body(StoreTransaction(db: db, changes: changes))
            }
        } catch {
            throw noted(StoreError.from(error, path: path))
        }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (StoreSnapshot) throws -> Value
    ) async throws(StoreError) -> Value {
        do {
            return try await writer.read { db in try body(StoreSnapshot(db: db)) }
        } catch {
            throw noted(StoreError.from(error, path: path))
        }
    }

    private func noted(_ error: StoreError) -> StoreError {
        if case .corrupt(path, _) = error { damage.found.withLock { $0 = error } }
        return error
    }

    package func close() throws(StoreError) {
        do {
            try writer.close()
        } catch {
            throw StoreError.from(error, path: path)
        }
    }
}
