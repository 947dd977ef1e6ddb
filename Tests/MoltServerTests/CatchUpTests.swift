import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltReconcile
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

/// What the folders of found runs tell comes back: steps, starts, checkpoints and costs.
struct CatchUpTests {
    private let daemon: TestDaemon

    init() throws {
        daemon = try TestDaemon()
    }

    /// Returns how many runs it could not read.
    private func catchUp() async throws -> Int {
        try await CatchUp(service: daemon.service, clock: SystemClock(), logger: Logger(label: "t")).pass()
    }

    private func steps(_ numbers: ClosedRange<Int>, from start: Double) -> [String] {
        ["{\"t\":\(start),\"kind\":\"phase\",\"phase\":\"step\"}"] + numbers.enumerated().map { index, step in
            """
            {"t":\(start + 10 * Double(index + 1)),"kind":"step","step":\(step),"steps":15,"loss":\(20 - step).5,\
            "tokens":\(step * 100),"tokens_per_second":10,"seconds":10}
            """
        }
    }

    private func saved(_ step: Int, _ epoch: Int, at moment: Double) -> String {
        """
        {"t":\(moment),"kind":"saved","step":\(step),"checkpoint":"\(CheckpointName(step: step, epoch: epoch))",\
        "bytes":1000,"seconds":2,"stall":1,"sha256":"\(String(repeating: "a", count: 64))"}
        """
    }

    /// Ten steps, a preemption, and the last five of them and five more.
    private func finishedRun() async throws -> String {
        let (run, job) = try await daemon.running()
        let first = daemon.clock.now()
        try daemon.report(run, epoch: 1, steps(1...10, from: first) + [saved(5, 1, at: first + 52)])
        try await daemon.pass(100, step: 10)
        try await daemon.restart(run, job)
        let second = daemon.clock.now()
        try daemon.report(run, epoch: 2, steps(6...15, from: second) + [saved(15, 2, at: second + 103)])
        try await daemon.pass(110, step: 10)
        try await daemon.finish(run, job)
        return run
    }

    private func costs() async throws -> [CostLine] {
        try await daemon.service.costs(CostQuery(by: .run, since: 0)).lines
    }

    private func ledger(_ run: String) async throws -> [CheckpointRecord] {
        try await daemon.store.read { try $0.checkpoints(run) }
    }

    private func count(_ kind: String, _ run: String) async throws -> Int {
        try await daemon.store.read { try $0.events(run, after: 0, limit: 1000) }.filter { $0.kind == kind }.count
    }

    /// Covers H5.
    @Test func aFinishedRunTellsTheSameAfterARebuild() async throws {
        let run = try await finishedRun()
        let before = try await daemon.detail(run), cost = try await costs(), saves = try await ledger(run)
        try #require(before.summary.step == 15 && before.summary.incarnations == 2 && saves.count == 2)
        daemon.clock.advance(86400)
        #expect(try await daemon.restartWithoutDatabase() == [run])
        #expect(try await catchUp() == 0)
        let after = try await daemon.detail(run)
        #expect(after.summary.state == .finished)
        #expect(after.summary.step == 15 && after.summary.loss == before.summary.loss)
        #expect(after.tokens == before.tokens && after.summary.tokensPerSecond == 10)
        #expect(after.summary.incarnations == 2)
        #expect(after.summary.startedAt == before.summary.startedAt)
        #expect(after.attempts.map(\.jobID) == before.attempts.map(\.jobID))
        #expect(after.attempts.map(\.state) == ["ended"] && after.attempts.map(\.outcome) == ["finished"])
        let (own, old) = (after.attempts.flatMap(\.incarnations), before.attempts.flatMap(\.incarnations))
        #expect(own.map(\.epoch) == [1, 2] && own.map(\.outcome) == ["requeued", "finished"])
        #expect(own.map(\.firstStep) == [1, 6] && own.map(\.lastStep) == [10, 15])
        #expect(own.map(\.startedAt) == old.map(\.startedAt) && own.map(\.endedAt) == old.map(\.endedAt))
        #expect(after.summary.finishedAt == own.last?.endedAt)
        #expect(try await ledger(run) == saves)
        #expect(try await costs() == cost)
        let ends = try await daemon.service.explain(run).ends
        #expect(ends.map(\.cause) == ["requeued", "finished"] && ends.map(\.at) == own.compactMap(\.endedAt))
        #expect(try await catchUp() == 0)
        #expect(try await count("saved", run) == 2, "and nothing is told twice")
    }

    /// Covers H5.
    @Test func aDaemonThatDiesWhileItReadsLeavesTheRestToTheNext() async throws {
        let (run, job) = try await daemon.running()
        let id = try #require(RunID(rawValue: run)), now = daemon.clock.now()
        let pad = String(repeating: "x", count: 60_000)
        try daemon.report(run, (1...50).map { step in
            "{\"t\":\(now),\"kind\":\"step\",\"step\":\(step),\"loss\":1,\"message\":\"\(pad)\"}"
        } + [saved(50, 1, at: now)])
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(4)
        #expect(try await daemon.restartWithoutDatabase() == [run])
        #expect(try await daemon.detail(run).summary.step == nil)
        #expect(try await daemon.reconciler.catchUp(id), "three megabytes are not read at once")
        let reached = try #require(try await daemon.detail(run).summary.step)
        #expect(1..<50 ~= reached)
        try daemon.restart()
        #expect(try await catchUp() == 0)
        let after = try await daemon.detail(run)
        #expect(after.summary.step == 50 && after.summary.incarnations == 1)
        #expect(after.attempts.flatMap(\.incarnations).map(\.firstStep) == [1])
        #expect(try await ledger(run).map(\.step) == [50])
        #expect(try await count("saved", run) == 1)
        #expect(try await count("started", run) == 1)
    }

    /// Covers H5.
    @Test func aFoundRunThatGoesOnIsCountedOnce() async throws {
        let (run, job) = try await daemon.running()
        let now = daemon.clock.now()
        try daemon.report(run, steps(1...3, from: now))
        #expect(try await daemon.restartWithoutDatabase() == [run])
        try await daemon.pass(5)
        _ = try await catchUp()
        try await daemon.reconciler.followProgress()
        let live = try await daemon.detail(run)
        #expect(live.summary.state == .running && live.summary.incarnations == 1 && live.summary.step == 3)
        #expect(live.attempts.map(\.jobID) == [job] && live.attempts.map(\.endedAt) == [nil])
        #expect(live.attempts.flatMap(\.incarnations).map(\.outcome) == [nil])
        try daemon.report(run, steps(4...6, from: now + 30))
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(4)
        let after = try await daemon.detail(run)
        #expect(after.summary.state == .finished && after.summary.incarnations == 1 && after.summary.step == 6)
        #expect(after.attempts.flatMap(\.incarnations).map(\.lastStep) == [6])
    }

    /// What cannot be read now is tried again later.
    @Test func aRunOfASiteThatCannotBeUsedIsLeft() async throws {
        let (run, job) = try await daemon.running()
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(4)
        #expect(try await daemon.restartWithoutDatabase() == [run])
        let id = try #require(RunID(rawValue: run))
        func move(to site: String) async throws {
            try await daemon.store.write { transaction in
                var record = try #require(try transaction.snapshot.run(id))
                record.site = site
                try transaction.update(record)
            }
        }
        try await move(to: "elsewhere")
        #expect(try await catchUp() == 1)
        try await move(to: "bed")
        #expect(try await catchUp() == 0)
        #expect(try await daemon.detail(run).summary.incarnations == 1)
    }
}
