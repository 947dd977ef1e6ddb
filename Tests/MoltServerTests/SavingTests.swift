import MoltAPI
import MoltCore
import MoltRecipe
import MoltReconcile
import MoltServer
import MoltStore
import MoltTesting
import Testing

/// What saving takes, and what that means at submission and afterwards.
struct SavingTests {
    /// Trains something large; returns the seconds that a save of it takes at `rate` bytes a second.
    private static func enlarge(_ recipe: inout Recipe, time: Double) throws {
        recipe.task = .pretrain
        recipe.command = nil
        var model = ModelSection(pattern: try LayerPattern(parsing: "M-M-"), hiddenSize: 1024, mambaHeads: 32)
        model.feedForwardSize = 4096
        model.vocabularySize = 50_000
        recipe.model = model
        recipe.data = DataSection(train: ["/data"])
        recipe.train.steps = 10
        recipe.resources.time = time
    }

    private static func bytes() throws -> Double {
        var recipe = Recipe(name: "size", task: .pretrain)
        try enlarge(&recipe, time: 60)
        return 12 * Double(try #require(Estimate(recipe)).trainableParameters)
    }

    private func submit(time: Double, to daemon: TestDaemon) async throws -> SubmitResult {
        var recipe = Recipe(name: "large", task: .pretrain)
        try Self.enlarge(&recipe, time: time)
        return try await daemon.service.submit(
            TestDaemon.request(String(decoding: try JSONFile.encode(recipe), as: UTF8.self)))
    }

    /// Another run of this site once saved so much in so many seconds.
    private func saved(bytes: Double, in seconds: Double, at daemon: TestDaemon) async throws {
        let run = try await daemon.submit()
        var record = CheckpointRecord(run: run, epoch: 1, step: 1, bytes: Int(bytes), savedAt: 1, verified: true)
        record.seconds = seconds
        let row = record
        try await daemon.store.write { try $0.save(row) }
    }

    /// Covers D15.
    @Test func whatCanNeverSaveIsRefusedWithTheNumbers() async throws {
        let daemon = try TestDaemon(), bytes = try Self.bytes()
        try await saved(bytes: bytes, in: 600, at: daemon)
        await #expect {
            _ = try await submit(time: 1500, to: daemon)
        } throws: { error in
            let text = "\(error)"
            return ["10 min", "measured here", "25 min", "51 min or more"].allSatisfy(text.contains)
        }
        #expect(try await submit(time: 1600, to: daemon).isNew)
    }

    /// A guess is no reason to refuse; it is one to say so.
    @Test func whatMayNotFitIsSaidWhileNothingWasMeasured() async throws {
        let daemon = try TestDaemon(), save = try Self.bytes() / 100e6
        let tight = try await submit(time: (2 * save).rounded(.down), to: daemon)
        #expect(tight.warnings.contains { $0.contains("assumed") && $0.contains("before it has saved anything") })
        let ample = try await submit(time: 3000, to: daemon)
        #expect(!ample.warnings.contains { $0.contains("before it has saved anything") })
    }

    /// Covers D21.
    @Test(arguments: [(1.0, false), (2.5, true), (600, true)])
    func aPreemptionThatLeavesNoTimeToSaveIsTold(_ seconds: Double, _ isTold: Bool) async throws {
        let daemon = try TestDaemon()
        try await saved(bytes: try Self.bytes(), in: seconds, at: daemon)
        let result = try await submit(time: 3600, to: daemon)
        #expect(result.warnings.contains { $0.contains("leaves 5 s when it preempts") } == isTold)
    }

    @Test func smallSavesSayNothingAboutTheFileSystem() async throws {
        let daemon = try TestDaemon()
        try await saved(bytes: 1e6, in: 600, at: daemon)
        #expect(try await submit(time: 3000, to: daemon).isNew)
    }

    @Test func theLedgerTellsWhatASaveTookAndHowOftenToSave() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        let line = #"{"t":1,"kind":"saved","step":20,"checkpoint":"step-00000020-e1","bytes":5,"seconds":9,"stall":2,"#
            + #""sha256":"abc"}"#
        try daemon.report(run, [line])
        try await daemon.reconciler.followProgress()
        let folder = RunFolder(path: try await daemon.detail(run).runFolder)
        try DurableFile.makeFolder("\(folder.checkpoints)/step-00000020-e1")
        try JSONFile.write("present", to: "\(folder.checkpoints)/step-00000020-e1/\(CheckpointManifest.fileName)")
        let checkpoint = try #require(try await daemon.detail(run).checkpoints.first)
        #expect(checkpoint.seconds == 9 && checkpoint.stall == 2 && checkpoint.sha256 == "abc")
        #expect(try await daemon.detail(run).saving == nil, "nothing has interrupted it")
        try await daemon.pass(397, step: 1)
        await daemon.scheduler.preempt(job)
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        await daemon.scheduler.drain(job)
        try await daemon.pass(3)
        let saving = try #require(try await daemon.detail(run).saving)
        #expect(saving.cost == 2 && saving.interruptions == 1)
        // √(2 · 2 s · 400 s) is 40 s; Daly's terms add little.
        #expect(abs(saving.best - 40) < 3 && abs(saving.ran - 400) < 5)
    }
}
