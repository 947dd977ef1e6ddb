import FoundationEssentials
import MoltAPI
import MoltCore
import MoltReconcile
import MoltServer
import MoltTesting
import Testing

/// What the daemon tells of ranks that make the others wait.
struct SlowRankTests {
    private static let sentence = "rank 3 on n2 works 1.43 s on a step, 1.8 times the median"

    private func say(_ daemon: TestDaemon, _ run: String, _ kind: String, writer: String = "job") async throws {
        let path = RunFolder(path: try await daemon.detail(run).runFolder).events + "/1-\(writer).jsonl"
        let before = (try? DurableFile.read(path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
        let line = #"{"t":1,"kind":"\#(kind)","message":"\#(Self.sentence)"}"#
        try DurableFile.write(Data((before + line + "\n").utf8), to: path)
        try await daemon.reconciler.followProgress()
    }

    private func told(_ daemon: TestDaemon, _ run: String) async throws -> [String?] {
        [try await daemon.detail(run).slow, try await daemon.service.explain(run).slow]
    }

    /// Covers I5.
    @Test func showWhyAndEventsTellItForAsLongAsItHolds() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        #expect(try await told(daemon, run) == [nil, nil])
        try await say(daemon, run, "slowRank")
        #expect(try await told(daemon, run) == [Self.sentence, Self.sentence])
        try await daemon.pass(300, step: 10)
        #expect(try await told(daemon, run) == [Self.sentence, Self.sentence])
        #expect(try await daemon.state(run) == .running, "nothing is done about it")
        #expect(await daemon.scheduler.log.isEmpty)
        try await say(daemon, run, "slowRankOver")
        #expect(try await told(daemon, run) == [nil, nil])
        let kinds = try await daemon.service.timeline(run, after: 0, limit: 100).entries.map(\.kind)
        #expect(kinds.suffix(2) == ["slow-rank", "slow-rank-over"])
    }

    @Test func theNextStartBeginsWithoutIt() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try await say(daemon, run, "slowRank")
        await daemon.scheduler.preempt(job)
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        await daemon.scheduler.drain(job)
        try await daemon.pass(3)
        #expect(try await told(daemon, run) == [nil, nil], "it does not run")
        await daemon.scheduler.start(job, on: ["n2"])
        try daemon.claim(run, job, incarnation: 1)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .running)
        #expect(try await told(daemon, run) == [nil, nil])
    }

    /// Only molt-job sees all ranks.
    @Test func aRankIsNotBelieved() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        try await say(daemon, run, "slowRank", writer: "0")
        #expect(try await told(daemon, run) == [nil, nil])
    }
}
