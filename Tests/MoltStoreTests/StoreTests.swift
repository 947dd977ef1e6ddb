import FoundationEssentials
import GRDB
import MoltCore
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

struct StoreTests {
    private static func run(_ name: String = "r", state: RunState = .queued, createdAt: Double = 1) -> RunRecord {
        RunRecord(
            id: RunID.random(), name: name, site: "local", source: "r.yaml", folder: "/runs/x", state: state,
            lifecycle: "{}", createdAt: createdAt)
    }

    private static func insert(_ run: RunRecord, token: String = UUID().uuidString, into store: Store) async throws {
        try await store.write { transaction in try Self.insert(run, token, transaction) }
    }

    private static func insert(_ run: RunRecord, _ token: String, _ transaction: StoreTransaction) throws {
        guard let id = RunID(rawValue: run.id) else { return }
        try transaction.insert(
            run, FrozenRecord(run: id, recipe: "{}", workingDirectory: "/", host: "h", gitCommit: nil),
            ClientTokenRecord(token: token, run: id, request: "digest"))
    }

    @Test func whatWasWrittenIsThereAfterAnotherStart() async throws {
        let folder = TemporaryFolder("store")
        let run = Self.run()
        let store = try Store.open(path: folder("molt.sqlite"))
        try await Self.insert(run, into: store)
        try store.close()
        let again = try Store.open(path: folder("molt.sqlite"))
        let found = try await again.read { try $0.runs(matching: run.id) }
        #expect(found == [run])
    }

    @Test func theFilesAreForTheirOwnerOnly() throws {
        let folder = TemporaryFolder("store")
        let store = try Store.open(path: folder("molt.sqlite"))
        for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
            var status = stat()
            #expect(stat(folder(name), &status) == 0)
            #expect(status.st_mode & 0o077 == 0, "\(name)")
        }
        try store.close()
    }

    /// The header of the file names the format: 2 for a write-ahead log, 1 for a rollback journal.
    ///
    /// Covers H6.
    @Test(arguments: [false, true])
    func aSharedHomesDatabaseHasNoWriteAheadLogAndEitherReadsTheOther(_ isShared: Bool) async throws {
        let folder = TemporaryFolder("store"), path = folder("molt.sqlite"), run = Self.run()
        let store = try Store.open(path: path, isShared: isShared)
        try await Self.insert(run, into: store)
        #expect(try DurableFile.read(path).dropFirst(18).prefix(2).elementsEqual(isShared ? [1, 1] : [2, 2]))
        try store.close()
        let other = try Store.open(path: path, isShared: !isShared)
        #expect(try await other.read { try $0.runs(matching: run.id) } == [run])
        try other.close()
        #expect(try DurableFile.read(path).dropFirst(18).prefix(2).elementsEqual(isShared ? [2, 2] : [1, 1]))
    }

    /// Covers H1.
    @Test func aSecondProcessCannotOpenIt() throws {
        let folder = TemporaryFolder("store")
        let store = try Store.open(path: folder("molt.sqlite"))
        #expect(throws: StoreError.busy(path: folder("molt.sqlite"))) { try Store.open(path: folder("molt.sqlite")) }
        try store.close()
    }

    /// Covers A17.
    @Test func theSameTokenIsTakenOnce() async throws {
        let store = try Store.inMemory()
        try await Self.insert(Self.run(), token: "t", into: store)
        await #expect(throws: StoreError.self) { try await Self.insert(Self.run(), token: "t", into: store) }
        #expect(try await store.read { try $0.countRuns() } == 1, "nothing of the second is left")
    }

    @Test func aRefusalInsideATransactionLeavesNoTrace() async throws {
        let store = try Store.inMemory()
        await #expect(throws: StoreError.self) {
            try await store.write { transaction in
                try Self.insert(Self.run(), "t", transaction)
                throw UserError("no")
            }
        }
        #expect(try await store.read { try $0.countRuns() } == 0)
    }

    @Test func eventsCannotBeChanged() async throws {
        let store = try Store.inMemory()
        let run = Self.run()
        try await Self.insert(run, into: store)
        try await store.write { try $0.append(EventRecord(run: run.id, at: 1, kind: "created", message: "m")) }
        await #expect(throws: StoreError.self) {
            try await store.write { try $0.db.execute(sql: "UPDATE event SET message = 'other'") }
        }
    }

    @Test func aRunThatIsRemovedTakesEverythingWithIt() async throws {
        let store = try Store.inMemory()
        let run = Self.run()
        try await Self.insert(run, into: store)
        try await store.write { transaction in
            try transaction.save(AttemptRecord(run: run.id, number: 1, key: AttemptKey.random(), openedAt: 1))
            try transaction.save(IncarnationRecord(run: run.id, attempt: 1, number: 0))
            try transaction.append(EventRecord(run: run.id, at: 1, kind: "created", message: "m"))
            try transaction.delete(run: run.id)
        }
        for table in ["run", "frozen", "clientToken", "attempt", "incarnation", "event"] {
            let count = try await store.read { try Int.fetchOne($0.db, sql: "SELECT count(*) FROM \(table)") }
            #expect(count == 0, "\(table)")
        }
    }

    @Test func aNewerDatabaseIsNotOpened() throws {
        let folder = TemporaryFolder("store")
        let store = try Store.open(path: folder("molt.sqlite"))
        try store.writer.write { try $0.execute(sql: "INSERT INTO grdb_migrations VALUES ('99 · the future')") }
        try store.close()
        #expect(throws: StoreError.superseded(path: folder("molt.sqlite"))) {
            try Store.open(path: folder("molt.sqlite"))
        }
    }

    /// Covers H3.
    @Test func aDamagedFileIsRecognised() throws {
        let folder = TemporaryFolder("store")
        try DurableFile.write(Data(repeating: 7, count: 8192), to: folder("molt.sqlite"))
        do throws(StoreError) {
            _ = try Store.open(path: folder("molt.sqlite"))
            Issue.record("it was opened")
        } catch {
            guard case .corrupt = error else { Issue.record("\(error)"); return }
        }
    }

    /// Covers H4.
    @Test func aRemovedFileIsNoticed() throws {
        let folder = TemporaryFolder("store")
        let store = try Store.open(path: folder("molt.sqlite"))
        try store.checkStillThere()
        unlink(folder("molt.sqlite"))
        #expect(throws: StoreError.removed(path: folder("molt.sqlite"))) { try store.checkStillThere() }
        try store.close()
    }

    /// Covers H4.
    @Test func aFileThatCannotBeSeenJustNowIsStillThere() throws {
        let folder = TemporaryFolder("store")
        try DurableFile.makeFolder(folder("home"))
        let store = try Store.open(path: folder("home/molt.sqlite"))
        // A folder that leads to itself answers with an error other than "there is none", as a file server may.
        try #require(rename(folder("home"), folder("away")) == 0)
        try #require(symlink("home", folder("home")) == 0)
        try store.checkStillThere()
        unlink(folder("home"))
        #expect(throws: StoreError.removed(path: folder("home/molt.sqlite"))) { try store.checkStillThere() }
        try #require(rename(folder("away"), folder("home")) == 0)
        try store.checkStillThere()
        try DurableFile.write(Data(), to: folder("home/molt.sqlite"))
        #expect(throws: StoreError.removed(path: folder("home/molt.sqlite"))) { try store.checkStillThere() }
        try store.close()
    }

    /// Covers H9.
    @Test func aLaterLeaseShutsOutTheEarlier() async throws {
        let store = try Store.inMemory()
        try await store.writer.write { try $0.execute(sql: "UPDATE lease SET epoch = epoch + 1") }
        await #expect(throws: StoreError.leaseLost) { try await store.write { _ in } }
    }

    @Test func referencesAreIDsPrefixesOrNames() async throws {
        let store = try Store.inMemory()
        let runs = [Self.run("alpha"), Self.run("beta", createdAt: 2)]
        for run in runs { try await Self.insert(run, into: store) }
        let prefix = String(runs[0].id.prefix(6))
        let byPrefix = try await store.read { try $0.runs(matching: prefix) }
        #expect(byPrefix.map(\.id) == [runs[0].id])
        let byName = try await store.read { try $0.runs(matching: "beta") }
        #expect(byName.map(\.id) == [runs[1].id])
        let none = try await store.read { try $0.runs(matching: "' OR 1=1 --") }
        #expect(none.isEmpty)
    }

    @Test func theListShowsWhatLivesAndTheLatestOfTheRestQuickly() async throws {
        let folder = TemporaryFolder("store")
        let store = try Store.open(path: folder("molt.sqlite"))
        try await store.write { transaction in
            for index in 0..<10_000 {
                var run = Self.run(state: index % 1000 == 0 ? .running : .finished, createdAt: Double(index))
                run.isWatched = run.state == .running
                try Self.insert(run, "token \(index)", transaction)
            }
        }
        let clock = ContinuousClock()
        var times: [Duration] = []
        for _ in 0..<9 {
            let start = clock.now
            let list = try await store.read { try $0.latest(limit: 50) }
            times.append(clock.now - start)
            #expect(list.count == 50)
            #expect(list.prefix(10).allSatisfy { $0.state == .running })
            #expect(list.dropFirst(10).first?.createdAt == 9999)
        }
        // The best of them: other tests use the cores as well. The bar itself is measured by `make bench-commands`; a
        // list that unpacks every row takes longer than this.
        let best = try #require(times.min())
        #expect(best < .milliseconds(100), "\(best)")
        try store.close()
    }
}

extension StoreTests {
    @Test func theListShowsAllActiveRunsAndTheNewestOfThoseThatWaitForAPerson() async throws {
        let store = try Store.inMemory()
        try await store.write { transaction in
            for index in 0..<300 {
                var run = Self.run(state: index % 3 == 0 ? .pending : .held, createdAt: Double(index))
                run.isWatched = run.state == .pending
                try Self.insert(run, "token \(index)", transaction)
            }
            var over = Self.run(state: .failed, createdAt: 1000)
            over.isWatched = false
            try Self.insert(over, "over", transaction)
        }
        let list = try await store.read { try $0.latest(limit: 50) }
        #expect(list.map(\.state) == Array(repeating: .pending, count: 100) + Array(repeating: .held, count: 100))
        #expect(list.dropFirst(100).first?.createdAt == 299 && list.last?.createdAt == 151)
        let longer = try await store.read { try $0.latest(limit: 400) }
        #expect(longer.count == 301 && longer.last?.state == .failed)
    }
}

struct FileSystemKindTests {
    private static let mounts = """
        21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
        30 21 0:40 / /home rw,relatime shared:2 - nfs4 server:/home rw
        31 30 0:41 / /home/me/my\\040disk rw - ext4 /dev/vdb rw
        """

    /// Covers H6.
    @Test(arguments: [
        ("/var/x", "ext4"), ("/home/me", "nfs4"), ("/homes/me", "ext4"), ("/home/me/my disk/x", "ext4"),
    ])
    func theNearestMountDecides(_ path: String, _ kind: String) {
        #expect(FileSystemKind.kind(of: path, mounts: Self.mounts) == kind)
    }
}
