import FoundationEssentials
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

    private static func saved(_ step: Int, stall: Double? = 2) -> String {
        let name = CheckpointName(step: step, epoch: 1), wait = stall.map { "\"stall\":\($0)," } ?? ""
        return #"{"t":1,"kind":"saved","step":\#(step),"checkpoint":"\#(name)","bytes":5,"seconds":9,"#
            + wait + #""sha256":"abc"}"#
    }

    private static func step(_ number: Int) -> String { #"{"t":1,"kind":"step","step":\#(number)}"# }

    @Test func theLedgerTellsWhatASaveTookAndHowOftenToSave() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try daemon.report(run, [Self.step(19), Self.step(20), Self.saved(20), Self.step(21)])
        try await daemon.reconciler.followProgress()
        let folder = RunFolder(path: try await daemon.detail(run).runFolder)
        try DurableFile.makeFolder("\(folder.checkpoints)/step-00000020-e1")
        try JSONFile.write("present", to: "\(folder.checkpoints)/step-00000020-e1/\(CheckpointManifest.fileName)")
        let checkpoint = try #require(try await daemon.detail(run).checkpoints.first)
        #expect(checkpoint.seconds == 9 && checkpoint.stall == 2 && checkpoint.sha256 == "abc")
        #expect(try await daemon.detail(run).saving == nil, "nothing has interrupted it")
        try await daemon.pass(397, step: 1)
        try await preempt(daemon, run, job)
        let saving = try #require(try await daemon.detail(run).saving)
        #expect(saving.cost == 2 && saving.interruptions == 1)
        // √(2 · 2 s · 400 s) is 40 s; Daly's terms add little.
        #expect(abs(saving.best - 40) < 3 && abs(saving.ran - 400) < 5)
    }

    private func preempt(_ daemon: TestDaemon, _ run: String, _ job: UInt32) async throws {
        await daemon.scheduler.preempt(job)
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        await daemon.scheduler.drain(job)
        try await daemon.pass(3)
    }

    /// What a worker wrote before the preemption, and how many interruptions that is.
    private static let losses: [([String], Int?)] = [
        ([step(20), saved(20), step(30), saved(30, stall: nil)], nil),
        ([step(20), saved(20), step(30), saved(29, stall: nil)], 1),
        ([step(20), saved(20), step(30)], 1), ([saved(20)], nil),
    ]

    /// The formula is about work that is done again: a preemption before which the last step was saved costs none, and
    /// the save for which all waited is not what a periodic one costs.
    @Test(arguments: losses)
    func aPreemptionThatLostNothingIsNoInterruption(_ lines: [String], _ interruptions: Int?) async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try daemon.report(run, lines)
        try await daemon.pass(100, step: 1)
        try await daemon.reconciler.followProgress()
        try await preempt(daemon, run, job)
        let saving = try await daemon.detail(run).saving
        #expect(saving?.interruptions == interruptions)
        if let saving { #expect(saving.cost == 2) }
    }

    // MARK: What exists

    /// A checkpoint as the engine leaves it.
    private func commit(_ step: Int, to run: RunFolder) throws {
        let name = CheckpointName(step: step, epoch: 1), folder = "\(run.checkpoints)/\(name)"
        try DurableFile.makeFolder(folder)
        try DurableFile.write(Data([1, 2, 3]), to: "\(folder)/model.safetensors")
        let manifest = CheckpointManifest(
            run: "r", step: step, epoch: 1,
            files: [
                .init(
                    name: "model.safetensors", bytes: 3,
                    sha256: try FileHash.of("\(folder)/model.safetensors").sha256)
            ], recipeHash: "h", architecture: [:], worldSize: 1, state: [:], savedAt: 7)
        try DurableFile.write(manifest.encoded(), to: "\(folder)/\(CheckpointManifest.fileName)")
    }

    /// Of a run that saves many times a second retention has removed what the ledger knows, and the ledger has not
    /// heard of what exists.
    @Test func whatExistsIsListedThoughTheLedgerHasNotHeardOfIt() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        let folder = RunFolder(path: try await daemon.detail(run).runFolder)
        try daemon.report(run, (1...5).map { Self.saved($0) })
        try await daemon.reconciler.followProgress()
        #expect(try await daemon.detail(run).checkpoints.isEmpty)
        for step in [5, 80, 81] { try commit(step, to: folder) }
        try DurableFile.makeFolder("\(folder.checkpoints)/.tmp-1-82")
        try DurableFile.makeFolder("\(folder.checkpoints)/step-00000083-e1")
        let found = try await daemon.detail(run).checkpoints
        #expect(found.map(\.step) == [5, 80, 81] && found.allSatisfy(\.verified))
        #expect(found.map(\.savedAt) == [1, 7, 7] && found.map(\.bytes) == [5, 3, 3])
        #expect(found.last?.path == "\(folder.checkpoints)/step-00000081-e1")
        try DurableFile.write(Data([1, 2, 4]), to: "\(folder.checkpoints)/step-00000081-e1/model.safetensors")
        #expect(try await daemon.detail(run).checkpoints.map(\.verified) == [true, true, false])
    }
}
