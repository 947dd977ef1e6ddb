import FoundationEssentials
import GRDB
import MoltCore
import MoltStore
import MoltTesting
import Synchronization
import Testing

/// A daemon dies while it brings the schema up to date.
struct MigrationTests {
    private final class Deaths: Sendable {
        private let number = Mutex(0)

        var count: Int { number.withLock { $0 } }

        func next() -> Int {
            number.withLock { number in
                number += 1
                return number
            }
        }
    }

    private static let names = ["molt.sqlite", "molt.sqlite-wal", "molt.sqlite-journal"]

    /// The tables with their columns, and the migrations that the database says it has had.
    private func schema(_ path: String) throws -> [String: [String]] {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { db in
            var result: [String: [String]] = [:]
            for table in try String.fetchAll(db, sql: "SELECT name FROM sqlite_master WHERE type = 'table'")
            where !table.hasPrefix("sqlite_") {
                result[table] = try db.columns(in: table).map(\.name).sorted()
            }
            if result["grdb_migrations"] != nil {
                result["done"] = try String.fetchAll(db, sql: "SELECT identifier FROM grdb_migrations ORDER BY rowid")
            }
            return result
        }
    }

    private func migrate(_ path: String, count: Int, journal: String, before: @escaping @Sendable () -> Void) throws {
        var configuration = Configuration()
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA journal_mode = \(journal)")
            // Much of a migration reaches the files before it is committed.
            try db.execute(sql: "PRAGMA cache_size = 4")
            db.trace(options: .statement) { _ in before() }
        }
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        var migrator = DatabaseMigrator()
        for (name, sql) in Migrations.all.prefix(count) {
            migrator.registerMigration(name) { db in try db.execute(sql: sql) }
        }
        try migrator.migrate(queue)
        try queue.close()
    }

    /// What the files hold before each statement is what a killed daemon leaves.
    ///
    /// Covers H8.
    @Test(arguments: 0..<Migrations.all.count, ["WAL", "TRUNCATE"])
    func aDeathAtAnyStatementLeavesTheOldSchemaOrTheNew(_ done: Int, _ journal: String) throws {
        let folder = TemporaryFolder("migration")
        let path = folder(Self.names[0])
        try migrate(path, count: done, journal: journal) {}
        let old = try schema(path), deaths = Deaths()
        try migrate(path, count: done + 1, journal: journal) {
            let number = deaths.next()
            // By another process: closing a file here would give away the locks of the database.
            let files = Self.names.map { Shell.quoted(folder($0)) }.joined(separator: " ")
            _ = Shell.run("mkdir \(folder("\(number)")) && cp \(files) \(folder("\(number)"))/ 2>/dev/null; true")
        }
        let new = try schema(path)
        #expect(old != new)
        let count = deaths.count
        #expect(count > 5)
        for number in 1...count {
            let left = "\(folder("\(number)"))/\(Self.names[0])"
            let found = try schema(left)
            let isWhole = found == old || found == new || Self.isOnlyBegun(found, old)
            #expect(isWhole, "before statement \(number): \(found.keys.sorted())")
            let store = try Store.open(path: left)
            try store.close()
            #expect(try schema(left)["done"]?.count == Migrations.all.count)
        }
    }

    /// The list of migrations is there before the first of them.
    private static func isOnlyBegun(_ found: [String: [String]], _ old: [String: [String]]) -> Bool {
        old.isEmpty && found["done"]?.isEmpty == true && found.count == 2
    }
}
