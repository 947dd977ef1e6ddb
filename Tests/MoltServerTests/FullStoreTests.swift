import GRDB
import MoltAPI
import MoltCore
import MoltRecipe
import MoltServer
import MoltStore
import Testing

/// The database cannot grow any more: SQLite's own limit on pages ends a commit as a full disk does.
struct FullStoreTests {
    private func limit(_ daemon: TestDaemon, to pages: Int?) async throws {
        let store = daemon.store
        try await store.writer.write { db in
            let used = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            _ = try Int.fetchOne(db, sql: "PRAGMA max_page_count = \(pages.map { used + $0 } ?? 1_000_000)")
        }
    }

    /// Covers A18, H2.
    @Test func withoutRoomASubmissionIsRefusedBeforeAnythingIsSentAndNothingElseIsLost() async throws {
        let daemon = try TestDaemon()
        let (first, job) = try await daemon.submitted()
        try await limit(daemon, to: 0)
        var refused = 0
        for _ in 0..<40 {
            do { _ = try await daemon.submit { $0.command = Array(repeating: "word", count: 900) } } catch {
                refused += 1
            }
        }
        #expect(refused > 30, "there was still room for \(40 - refused)")
        let kept = 40 - refused
        #expect(try await daemon.state(first) == .pending, "what is there can be read")
        #expect(try await daemon.store.read { try $0.countRuns() } == 1 + kept, "no half of a run is left")
        #expect(await daemon.scheduler.submits == 1)
        // With room again everything goes on.
        try await limit(daemon, to: nil)
        let last = try await daemon.submit()
        try await daemon.pass(5)
        #expect(try await daemon.state(last) == .pending)
        await daemon.scheduler.start(job)
        try daemon.claim(first, job, incarnation: 0)
        try await daemon.pass(5)
        #expect(try await daemon.state(first) == .running)
        #expect(await daemon.scheduler.submits == 2 + kept)
    }
}
