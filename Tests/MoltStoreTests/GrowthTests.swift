import FoundationEssentials
import GRDB
import MoltCore
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

struct GrowthTests {
    /// Covers H14, N22.
    @Test func aMillionEventsTakeLessThanAGigabyteAndTheNewestAreReadAtOnce() async throws {
        let folder = TemporaryFolder("store")
        let store = try Store.open(path: folder("molt.sqlite"))
        let run = RunRecord(
            id: RunID.random(), name: "r", site: "local", source: "r.yaml", folder: "/runs/x", state: .running,
            lifecycle: "{}", createdAt: 1)
        let id = try #require(RunID(rawValue: run.id))
        try await store.write { transaction in
            try transaction.insert(
                run, FrozenRecord(run: id, recipe: "{}", workingDirectory: "/", host: "h", gitCommit: nil),
                ClientTokenRecord(token: "t", run: id, request: "digest"))
            let message = String(repeating: "m", count: 80)
            try transaction.append(
                EventRecord(run: run.id, at: 1, kind: "decision", attempt: 1, incarnation: 0, message: message))
            // Doubled twenty times, columns and indices as they are.
            let columns = "run, at, kind, attempt, incarnation, message"
            for _ in 0..<20 {
                try transaction.db.execute(sql: "INSERT INTO event (\(columns)) SELECT \(columns) FROM event")
            }
        }
        let count = try await store.read { try Int.fetchOne($0.db, sql: "SELECT count(*) FROM event") }
        #expect(count == 1 << 20)
        let (newest, took) = try await store.read { snapshot in
            let began = ContinuousClock.now
            let newest = try snapshot.events(run.id, after: (1 << 20) - 50, limit: 100)
            return (newest.count, ContinuousClock.now - began)
        }
        #expect(newest == 50)
        #expect(took < .seconds(1))
        try store.close()
        let bytes = try FileManager.default.contentsOfDirectory(atPath: folder.path).reduce(0) { total, name in
            var status = stat()
            return stat(folder(name), &status) == 0 ? total + Int(status.st_size) : total
        }
        #expect(bytes > 50_000_000 && bytes < 1_000_000_000, "\(bytes) bytes")
    }
}
