import FoundationEssentials
import MoltAPI
import MoltCore
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What runs take on the disk, and getting some of it back.
struct StorageTests {
    /// A paused run with a checkpoint at every tenth step, all but the last verified, and what crashes left.
    private func paused(
        _ daemon: TestDaemon, steps: Int = 40, losses: [Int: String] = [:], milestones: Int? = nil
    ) async throws -> (run: String, RunFolder) {
        let (run, job) = try await daemon.running { $0.checkpoint.milestones = milestones }
        let folder = RunFolder(path: try await daemon.detail(run).runFolder)
        let tens = Array(stride(from: 10, through: steps, by: 10))
        for step in tens {
            let name = CheckpointName(step: step, epoch: 1)
            try RealCheckpoint.make(name, in: folder, bytes: 100_000, loss: losses[step])
        }
        try DurableFile.makeFolder("\(folder.checkpoints)/.tmp-1-50")
        try DurableFile.write(
            Data(repeating: 7, count: 100_000), to: "\(folder.checkpoints)/.tmp-1-50/model.safetensors")
        try await daemon.store.write { transaction in
            for step in tens {
                try transaction.save(
                    CheckpointRecord(
                        run: run, epoch: 1, step: step, bytes: nil, savedAt: nil, verified: step < steps))
            }
        }
        try await daemon.act(.stop, run)
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        await daemon.scheduler.end(job, .failed, status: 75)
        try await daemon.pass(3)
        try #expect(await daemon.state(run) == .paused)
        return (run, folder)
    }

    private func steps(_ folder: RunFolder) throws -> [Int] {
        try names(folder).compactMap(CheckpointName.init(parsing:)).map(\.step)
    }

    private func names(_ folder: RunFolder) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.checkpoints).sorted()
    }

    @Test func theNewestVerifiedCheckpointsStay() async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon)
        let before = try names(folder)
        let plan = try await daemon.service.prune(run, PruneRequest(keep: 2, dryRun: true))
        #expect(try names(folder) == before)
        let done = try await daemon.service.prune(run, PruneRequest(keep: 2))
        #expect(done == plan)
        #expect(done.removed == ["step-00000010-e1", ".tmp-1-50"])
        #expect(done.bytes >= 200_000)
        #expect(try names(folder) == ["step-00000020-e1", "step-00000030-e1", "step-00000040-e1"])
        #expect(try await daemon.store.read { try $0.checkpoints(run) }.map(\.step).sorted() == [20, 30, 40])
    }

    /// That of the lowest validation loss, as manifests tell it, is what training was for.
    @Test func theBestCheckpointOutlivesThePruning() async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon, steps: 60, losses: [10: "2.5", 20: "2.75", 50: "3"])
        let plan = try await daemon.service.prune(run, PruneRequest(keep: 2, dryRun: true))
        let done = try await daemon.service.prune(run, PruneRequest(keep: 2))
        #expect(done == plan)
        #expect(done.removed == ["step-00000020-e1", "step-00000030-e1", ".tmp-1-50"])
        #expect(done.kept.count == 4)
        #expect(try steps(folder) == [10, 40, 50, 60])
        #expect(try await daemon.store.read { try $0.checkpoints(run) }.map(\.step).sorted() == [10, 40, 50, 60])
        #expect(try await daemon.detail(run).checkpoints.first { $0.best == true }?.step == 10)
    }

    /// Covers E10.
    @Test func milestonesOutliveThePruning() async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon, steps: 80, milestones: 20)
        _ = try await daemon.service.prune(run, PruneRequest(keep: 2))
        #expect(try steps(folder) == [20, 40, 60, 70, 80])
    }

    @Test func aRunWithAJobIsNotPruned() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        let error = await #expect(throws: APIError.self) {
            try await daemon.service.prune(run, PruneRequest(keep: 2))
        }
        #expect(error?.code == .conflict)
    }

    /// Covers E10.
    @Test(arguments: [0, 1])
    func fewerThanTwoVerifiedCheckpointsAreNeverKept(_ keep: Int) async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon)
        let before = try names(folder)
        let error = await #expect(throws: APIError.self) {
            try await daemon.service.prune(run, PruneRequest(keep: keep))
        }
        #expect(error?.what.contains("at least 2") == true)
        #expect(try names(folder) == before)
    }

    /// Covers E10.
    @Test func whatTheLedgerCallsVerifiedAndIsCutShortDoesNotCount() async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon)
        try DurableFile.write(Data(), to: "\(folder.checkpoints)/step-00000030-e1/model.safetensors")
        _ = try await daemon.service.prune(run, PruneRequest(keep: 2))
        #expect(try steps(folder) == [10, 20, 30, 40])
        try await daemon.store.write { transaction in
            for step in [10, 20] { try transaction.deleteCheckpoint(run: run, epoch: 1, step: step) }
        }
        await #expect(throws: APIError.self) { try await daemon.service.prune(run, PruneRequest(keep: 2)) }
        #expect(try steps(folder) == [10, 20, 30, 40])
    }

    @Test func whatWasSetAsideGoesOnlyWhenAskedFor() async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon)
        let before = try await daemon.service.usage(run)
        #expect(before.setAside == nil)
        let name = "step-00000040-e1"
        try #require(rename("\(folder.checkpoints)/\(name)", "\(folder.checkpoints)/.aside-\(name)") == 0)
        let after = try await daemon.service.usage(run)
        #expect(after.total == before.total && after.checkpointCount == before.checkpointCount - 1)
        #expect(after.setAside ?? 0 >= 100_000)
        let plain = try await daemon.service.prune(run, PruneRequest(keep: 2))
        #expect(!plain.removed.contains(".aside-\(name)"))
        #expect(try names(folder).contains(".aside-\(name)"))
        let asked = try await daemon.service.prune(run, PruneRequest(keep: 2, includeSetAside: true))
        #expect(asked.removed == [".aside-\(name)"])
        #expect(try await daemon.service.usage(run).setAside == nil)
    }

    @Test func usageIsToldByKindAndCountsLinkedFilesOnce() async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon)
        let before = try await daemon.service.usage(run)
        #expect(before.checkpointCount == 4)
        #expect(before.checkpoints >= 500_000 && before.checkpoints < 600_000)
        try FileManager.default.createDirectory(atPath: folder.base, withIntermediateDirectories: true)
        try FileManager.default.linkItem(
            atPath: "\(folder.checkpoints)/step-00000010-e1/model.safetensors", toPath: "\(folder.base)/m")
        #expect(try await daemon.service.usage(run).total == before.total)
    }
}
