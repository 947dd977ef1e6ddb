import FoundationEssentials
import MoltCore
import MoltStore
import Testing

/// Who reads only what changed misses nothing.
struct RunChangesTests {
    private static func insert(_ store: Store) async throws -> RunRecord {
        let run = RunRecord(
            id: RunID.random(), name: "r", site: "bed", source: "r.yaml", folder: "/runs/x", state: .queued,
            lifecycle: "{}", createdAt: 1)
        let id = try #require(RunID(rawValue: run.id))
        try await store.write { transaction in
            try transaction.insert(
                run, FrozenRecord(run: id, recipe: "{}", workingDirectory: "/", host: "h", gitCommit: nil),
                ClientTokenRecord(token: UUID().uuidString, run: id, request: "digest"))
        }
        return run
    }

    @Test func eachWriteToARunIsTold() async throws {
        let store = try Store.inMemory()
        #expect(store.changes.since(nil).runs == nil, "whoever has read nothing reads everything")
        var mark = store.changes.since(nil).mark
        func news() -> Set<String>? {
            let news = store.changes.since(mark)
            mark = news.mark
            return news.runs
        }
        #expect(news() == [])
        var first = try await Self.insert(store)
        let second = try await Self.insert(store)
        #expect(news() == [first.id, second.id])
        first.state = .running
        let changed = first
        try await store.write { try $0.update(changed) }
        #expect(news() == [first.id])
        let watched = try await store.read { try $0.watched(site: "bed", among: [changed.id, "unknown"]) }
        #expect(watched == [changed])
        #expect(try await store.read { try $0.watched(site: "other", among: [changed.id]) } == [])
        try await store.write { try $0.delete(run: second.id) }
        #expect(news() == [second.id])
        #expect(news() == [])
    }

    @Test func whoAsksTooLateReadsEverything() async throws {
        let store = try Store.inMemory()
        let run = try await Self.insert(store), early = store.changes.since(nil).mark
        try await store.write { transaction in
            for _ in 0..<17_000 { try transaction.update(run) }
        }
        #expect(store.changes.since(early).runs == nil)
        #expect(store.changes.since(store.changes.since(nil).mark).runs == [])
    }
}
