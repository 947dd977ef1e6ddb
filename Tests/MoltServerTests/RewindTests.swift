import FoundationEssentials
import GRDB
import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// `molt resume --from STEP`.
struct RewindTests {
    private let daemon: TestDaemon
    private let run: String
    private let folder: RunFolder
    private let all = [10, 20, 30, 40]

    /// A paused run with whole checkpoints of four steps.
    init() async throws {
        daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        self.run = run
        folder = RunFolder(path: "\(daemon.folder("runs"))/\(run)")
        for step in all { try RealCheckpoint.make(CheckpointName(step: step, epoch: 1), in: folder) }
        try await daemon.store.write { [all] transaction in
            for step in all {
                try transaction.save(
                    CheckpointRecord(run: run, epoch: 1, step: step, bytes: 1000, savedAt: nil, verified: true))
            }
        }
        try await daemon.act(.stop, run)
        try daemon.leaveReceipt(run, code: 75)
        await daemon.scheduler.end(job, .failed, status: 75)
        try await daemon.pass(4)
        try #require(await daemon.state(run) == .paused)
    }

    private func path(_ step: Int, aside: Bool = false) -> String {
        "\(folder.checkpoints)/\(aside ? ".aside-" : "")\(CheckpointName(step: step, epoch: 1))"
    }

    private func steps() throws -> [Int] { try CheckpointFolder(path: folder.checkpoints).names().map(\.step) }

    private func ask(_ step: Int) async throws {
        _ = try await daemon.service.act(.resume, on: run, ActionRequest(fromStep: step))
    }

    /// What a daemon leaves that died when it had recorded the wish and moved so many.
    private func leaveHalfDone(to step: Int, moved: Int = 1) async throws {
        let moves = all.filter { $0 > step }.map { step in
            let name = "\(CheckpointName(step: step, epoch: 1))"
            return RewindRecord.Move(from: name, to: ".aside-\(name)")
        }
        let rewind = RewindRecord(run: run, epoch: 1, step: step, moves: moves, askedAt: daemon.clock.now())
        try await daemon.store.write { try $0.save(rewind) }
        for step in all.suffix(moved) { try #require(rename(path(step), path(step, aside: true)) == 0) }
        try daemon.restart()
    }

    @Test func newerCheckpointsAreSetAsideAndNothingIsDeleted() async throws {
        try await ask(20)
        #expect(try steps() == [10, 20])
        for step in [30, 40] {
            _ = try CheckpointFolder.verify(folder: path(step, aside: true))
        }
        let ledger = try await daemon.store.read { [run] in try $0.checkpoints(run) }
        #expect(ledger.map(\.step) == [10, 20])
        #expect([.queued, .restarting].contains(try await daemon.state(run)))
        #expect(try await daemon.detail(run).summary.step == 20)
        #expect(try await daemon.store.read { try $0.rewinds() }.isEmpty)
    }

    @Test func aStepWithoutACheckpointIsRefusedWithThoseThereAre() async throws {
        let error = await #expect(throws: APIError.self) { try await ask(15) }
        #expect(error?.fix == "it has: 10, 20, 30, 40")
        #expect(try steps() == all)
    }

    /// One flipped byte; the size is right.
    @Test func aDamagedCheckpointIsRefusedBeforeAnythingMoves() async throws {
        var bytes = [UInt8](repeating: 20, count: 1000)
        bytes[500] ^= 1
        try DurableFile.write(Data(bytes), to: "\(path(20))/model.safetensors")
        let error = await #expect(throws: APIError.self) { try await ask(20) }
        #expect(error?.what.contains("SHA-256") == true && error?.fix?.contains("nothing was changed") == true)
        #expect(try steps() == all)
        #expect(try await daemon.state(run) == .paused)
        #expect(try await daemon.store.read { try $0.rewinds() }.isEmpty)
    }

    /// With the wish recorded, one or both of them moved.
    @Test(arguments: 0...2)
    func aDeathInBetweenIsFinishedByTheNextDaemon(_ moved: Int) async throws {
        try await leaveHalfDone(to: 20, moved: moved)
        // Until then nothing else may start the run or thin its checkpoints.
        await #expect(throws: APIError.self) { try await daemon.act(.resume, run) }
        await #expect(throws: APIError.self) { try await daemon.service.prune(run, PruneRequest(keep: 2)) }
        #expect(await daemon.service.finishRewinds().isEmpty)
        #expect(try steps() == [10, 20])
        #expect([.queued, .restarting].contains(try await daemon.state(run)))
        #expect(await daemon.service.finishRewinds().isEmpty)
        #expect(try steps() == [10, 20])
    }

    @Test(arguments: 0...2)
    func aTargetThatWasLostMeanwhileGivesTheOthersTheirNamesBack(_ moved: Int) async throws {
        try await leaveHalfDone(to: 20, moved: moved)
        unlink("\(path(20))/model.safetensors")
        #expect(await daemon.service.finishRewinds().count == 1)
        #expect(try steps() == all)
        #expect(try await daemon.state(run) == .paused)
        #expect(try await daemon.store.read { try $0.rewinds() }.isEmpty)
    }

    @Test func askedAgainItStartsFromAllCheckpoints() async throws {
        try await leaveHalfDone(to: 20)
        try await ask(30)
        #expect(try steps() == [10, 20, 30])
        #expect(access(path(40, aside: true), F_OK) == 0)
    }

    /// The row came back with an older copy of the database.
    @Test func aRunThatWentOnLongAgoIsLeftAlone() async throws {
        try await ask(30)
        try await leaveHalfDoneRow()
        #expect(await daemon.service.finishRewinds().isEmpty)
        #expect(try steps() == [10, 20, 30])
        #expect(try await daemon.store.read { try $0.rewinds() }.isEmpty)
    }

    private func leaveHalfDoneRow() async throws {
        let rewind = RewindRecord(
            run: run, epoch: 1, step: 10, moves: [.init(from: "step-00000020-e1", to: ".aside-step-00000020-e1")],
            askedAt: daemon.clock.now())
        try await daemon.store.write { try $0.save(rewind) }
    }

    @Test func whenTheWishCannotBeKeptEverythingHasItsNameAgain() async throws {
        try await daemon.store.writer.write { db in
            try db.execute(sql: """
                CREATE TRIGGER fails BEFORE INSERT ON event WHEN NEW.kind = 'rewound'
                BEGIN SELECT RAISE (ABORT, 'no room'); END
                """)
        }
        await #expect(throws: APIError.self) { try await ask(20) }
        #expect(try steps() == all)
        #expect(try await daemon.state(run) == .paused)
        #expect(try await daemon.store.read { try $0.rewinds() }.isEmpty)
        try await daemon.act(.resume, run)
    }

    @Test func oneThatWasSetAsideBeforeUnderTheSameNameStays() async throws {
        try DurableFile.makeFolder(path(40, aside: true))
        try DurableFile.write(Data("old".utf8), to: path(40, aside: true) + "/old")
        try await ask(20)
        #expect(access(path(40, aside: true) + "/old", F_OK) == 0)
        _ = try CheckpointFolder.verify(folder: path(40, aside: true) + "-2")
        #expect(try steps() == [10, 20])
    }

    @Test func aRunWithAJobIsNotTakenBack() async throws {
        try await daemon.act(.resume, run)
        let error = await #expect(throws: APIError.self) { try await ask(20) }
        #expect(error?.code == .conflict)
        #expect(try steps() == all)
    }
}
