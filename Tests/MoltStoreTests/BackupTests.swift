import FoundationEssentials
import GRDB
import MoltCore
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Copies of the database, and what they are good for.
struct BackupTests {
    private let folder = TemporaryFolder("backup")
    private var path: String { folder("molt.sqlite") }
    private var backups: StoreBackups { StoreBackups(folder: folder("backups")) }

    private func fill(_ store: Store, _ names: [String], events: Int = 0) async throws {
        try await store.write { transaction in
            for name in names {
                let id = RunID.random()
                let run = RunRecord(
                    id: id, name: name, site: "local", source: "r.yaml", folder: "/runs/\(id)", state: .queued,
                    lifecycle: String(repeating: "x", count: 9000), createdAt: 1)
                try transaction.insert(
                    run, FrozenRecord(run: id, recipe: "{}", workingDirectory: "/", host: "h", gitCommit: nil),
                    ClientTokenRecord(token: name, run: id, request: "digest"))
                for number in 0..<events {
                    try transaction.append(
                        EventRecord(run: run.id, at: Double(number), kind: "k", message: "message \(number)"))
                }
            }
        }
    }

    private func names(_ store: Store) async throws -> Set<String> {
        Set(try await store.read { try $0.runs(states: [], name: nil, limit: 1000) }.map(\.name))
    }

    private func overwrite(page: Int, with byte: UInt8, in path: String, size: Int = 4096) throws {
        let file = open(path, O_WRONLY)
        try #require(file >= 0)
        defer { close(file) }
        let junk = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(byte)) }
        try #require(pwrite(file, junk, size, off_t(page * size)) == size)
    }

    /// Covers N23.
    @Test func aStoreIsSafeByItsSettings() async throws {
        let store = try Store.open(path: path)
        let settings = try await store.read { snapshot in
            try ["journal_mode", "synchronous", "foreign_keys", "locking_mode"].map {
                try String.fetchOne(snapshot.db, sql: "PRAGMA \($0)")
            }
        }
        #expect(settings == ["wal", "2", "1", "exclusive"])
        try store.close()
    }

    /// Covers N23.
    @Test func aCopyIsMadeInUseAndHoldsWhatWasCommitted() async throws {
        let store = try Store.open(path: path)
        try await fill(store, ["a", "b"], events: 50)
        let first = try await backups.make(of: store, at: 100)
        try await fill(store, ["c"])
        let copy = try Store.open(path: first.path)
        #expect(try await names(copy) == ["a", "b"])
        try copy.close()
        var status = stat()
        #expect(stat(first.path, &status) == 0 && status.st_mode & 0o077 == 0)
        #expect(try await names(store) == ["a", "b", "c"])
        try store.close()
    }

    @Test func onlyTheNewestCopiesAreKept() async throws {
        let store = try Store.open(path: path)
        try await fill(store, ["a"])
        for hour in 1...6 { try await backups.make(of: store, at: Double(hour * 3600)) }
        #expect(backups.all.map(\.takenAt) == [6, 5, 4].map { $0 * 3600 })
        let others = try FileManager.default.contentsOfDirectory(atPath: folder("backups"))
        #expect(others.count == 3, "\(others)")
        try store.close()
    }

    /// Each page of the database, and of its newest copy, is overwritten in turn: what opens then holds all that the
    /// copy held, or all that there was.
    ///
    /// Covers H3, N23.
    @Test func whicheverPageIsOverwrittenAGoodStoreOpens() async throws {
        let original = try Store.open(path: path)
        try await fill(original, (0..<12).map { "run \($0)" }, events: 60)
        try await backups.make(of: original, at: 100)
        try await fill(original, ["late"])
        let all = try await names(original)
        try original.close()
        let whole = try DurableFile.read(path)
        let pages = whole.count / 4096
        try #require(pages >= 40)
        var restored = 0
        for place in 0..<max(200, pages) {
            try DurableFile.write(whole, to: path)
            try overwrite(page: place % pages, with: UInt8(truncatingIfNeeded: place / pages * 83 + 1), in: path)
            let (store, restoration) = try Store.openRestoring(path: path, backups: backups, at: 1000 + Double(place))
            let found = try await names(store)
            #expect(found == (restoration == nil ? all : all.subtracting(["late"])), "page \(place % pages)")
            if let restoration {
                restored += 1
                #expect(restoration.takenAt == 100 && !restoration.damage.isEmpty)
                #expect(FileManager.default.fileExists(atPath: "\(restoration.aside)/molt.sqlite"))
                #expect(StoreRestoration.all(home: folder.path) == [restoration])
                try FileManager.default.removeItem(atPath: restoration.aside)
            }
            try store.close()
        }
        #expect(restored > max(200, pages) / 2, "the damage was hardly ever felt: \(restored)")
    }

    /// Covers H3.
    @Test func aDamagedCopyIsPassedOver() async throws {
        let original = try Store.open(path: path)
        try await fill(original, ["old"], events: 50)
        try await backups.make(of: original, at: 100)
        try await fill(original, ["new"], events: 50)
        let newest = try await backups.make(of: original, at: 200)
        try original.close()
        for page in 0..<4 {
            try overwrite(page: page, with: 7, in: path)
            try overwrite(page: page, with: 9, in: newest.path)
        }
        let (store, restoration) = try Store.openRestoring(path: path, backups: backups, at: 300)
        #expect(restoration?.takenAt == 100)
        #expect(try await names(store) == ["old"])
        try store.close()
    }

    /// Covers H3, H4.
    @Test(arguments: [true, false]) func aDatabaseThatIsGoneComesBack(_ isEmptied: Bool) async throws {
        let original = try Store.open(path: path)
        try await fill(original, ["a"])
        try await backups.make(of: original, at: 100)
        try original.close()
        if isEmptied { try DurableFile.write(Data(), to: path) } else { unlink(path) }
        let (store, restoration) = try Store.openRestoring(path: path, backups: backups, at: 300)
        #expect(restoration?.damage == "the database is gone")
        #expect(try await names(store) == ["a"])
        try store.close()
    }

    /// Covers H3.
    @Test func withoutAGoodCopyNothingIsTouched() throws {
        let junk = Data(repeating: 7, count: 8192)
        try DurableFile.write(junk, to: path)
        do throws(StoreError) {
            _ = try Store.openRestoring(path: path, backups: backups, at: 300)
            Issue.record("it was opened")
        } catch {
            #expect("\(error)".contains("there is no good copy of it in \(backups.folder)"))
        }
        #expect(try DurableFile.read(path) == junk)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["molt.sqlite"])
    }

    /// Covers H3.
    @Test func damageThatIsMetWhileTheDaemonRunsIsRemembered() async throws {
        let first = try Store.open(path: path)
        try await fill(first, (0..<12).map { "run \($0)" }, events: 60)
        try first.close()
        let store = try Store.open(path: path)
        try store.checkStillThere()
        // What it still has in memory would hide it.
        try await store.writer.writeWithoutTransaction { try $0.execute(sql: "PRAGMA shrink_memory") }
        for page in 3..<60 { try overwrite(page: page, with: 5, in: path) }
        await #expect(throws: StoreError.self) {
            try await store.read { try Int.fetchOne($0.db, sql: "SELECT count(*) FROM event WHERE message <> ''") }
        }
        #expect(throws: StoreError.self) { try store.checkStillThere() }
        try? store.close()
    }
}
