import FoundationEssentials
import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

/// What runs take on the disk, and getting some of it back.
struct StorageTests {
    /// A paused run with checkpoints of the steps 10, 20, 30 (verified) and 40 (not), and what crashes left.
    private func paused(_ daemon: TestDaemon) async throws -> (run: String, RunFolder) {
        let (run, job) = try await daemon.running()
        let folder = RunFolder(path: try await daemon.detail(run).runFolder)
        for name in ["step-00000010-e1", "step-00000020-e1", "step-00000030-e1", "step-00000040-e1", ".tmp-1-50"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.checkpoints)/\(name)", withIntermediateDirectories: true)
            try DurableFile.write(
                Data(repeating: 7, count: 100_000), to: "\(folder.checkpoints)/\(name)/model.safetensors")
        }
        try await daemon.store.write { transaction in
            for step in [10, 20, 30, 40] {
                try transaction.save(
                    CheckpointRecord(
                        run: run, epoch: 1, step: step, bytes: nil, savedAt: nil, verified: step < 40))
            }
        }
        try await daemon.act(.stop, run)
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        await daemon.scheduler.end(job, .failed, status: 75)
        try await daemon.pass(3)
        try #expect(await daemon.state(run) == .paused)
        return (run, folder)
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
        let (run, folder) = try await paused(daemon)
        for (step, loss) in [(10, "2.5"), (20, "2.75"), (30, "3")] {
            let manifest = CheckpointManifest(
                run: run, step: step, epoch: 1, files: [], recipeHash: "r", architecture: [:], worldSize: 1,
                state: [CheckpointManifest.validationLossKey: loss], savedAt: 1)
            let name = CheckpointName(step: step, epoch: 1)
            try JSONFile.write(manifest, to: "\(folder.checkpoints)/\(name)/\(CheckpointManifest.fileName)")
        }
        let plan = try await daemon.service.prune(run, PruneRequest(keep: 1, dryRun: true))
        let done = try await daemon.service.prune(run, PruneRequest(keep: 1))
        #expect(done == plan)
        #expect(done.removed == ["step-00000020-e1", ".tmp-1-50"])
        #expect(done.kept == ["step-00000010-e1", "step-00000030-e1"])
        #expect(try names(folder) == ["step-00000010-e1", "step-00000030-e1", "step-00000040-e1"])
        #expect(try await daemon.store.read { try $0.checkpoints(run) }.map(\.step).sorted() == [10, 30, 40])
        #expect(try await daemon.detail(run).checkpoints.first { $0.best == true }?.step == 10)
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
    @Test func theLastVerifiedCheckpointCannotBePruned() async throws {
        let daemon = try TestDaemon()
        let (run, folder) = try await paused(daemon)
        await #expect(throws: APIError.self) { try await daemon.service.prune(run, PruneRequest(keep: 0)) }
        _ = try await daemon.service.prune(run, PruneRequest(keep: 1))
        #expect(try names(folder) == ["step-00000030-e1", "step-00000040-e1"])
        try await daemon.store.write { try $0.deleteCheckpoint(run: run, epoch: 1, step: 30) }
        await #expect(throws: APIError.self) { try await daemon.service.prune(run, PruneRequest(keep: 1)) }
        #expect(try names(folder) == ["step-00000030-e1", "step-00000040-e1"])
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
