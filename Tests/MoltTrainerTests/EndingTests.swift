import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

extension WorkerTests {
    /// Why a worker ends, what its exit status says, and what it leaves behind.
    struct EndingTests {
        private let data = TemporaryFolder("data")

        /// Covers D9.
        @Test(arguments: [SIGTERM, SIGINT, SIGUSR1, SIGUSR2])
        func everyStopSignalSavesAndExitsWithContinueMe(signal: Int32) async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            try fleet.start()
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 2 }, "\(fleet.output())")
            fleet.kill(signal)
            #expect(await fleet.wait() == [75])
            let last = fleet.lastStep(epoch: 1)
            #expect(try fleet.checkpoints.names().last == CheckpointName(step: last, epoch: 1))
            #expect(fleet.events().last?.kind == .ended)
            #expect(fleet.events().last?.message?.contains("signal \(signal)") == true)
        }

        @Test func theStopFileStopsEveryRank() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            try fleet.start(ranks: 2)
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 1 })
            try DurableFile.write(Data(), to: fleet.run.stopRequest)
            #expect(await fleet.wait() == [75, 75])
            #expect(fleet.events(rank: 1).last?.kind == .ended)
        }

        @Test func aSignalToOneRankStopsAll() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            try fleet.start(ranks: 2)
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 1 })
            fleet.kill(SIGUSR1, rank: 1)
            #expect(await fleet.wait() == [75, 75])
        }

        /// Covers D14.
        @Test func aDeadlineIsMetWithTimeToSpare() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            let deadline = Date().timeIntervalSince1970 + 25
            #expect(try await fleet.live(environment: [WorkerEnvironment.deadline: "\(deadline)"]) == [75])
            #expect(Date().timeIntervalSince1970 < deadline)
            #expect(fleet.lastStep(epoch: 1) > 0)
            #expect(try fleet.checkpoints.names().last?.step == fleet.lastStep(epoch: 1))
        }

        /// The limit was lowered while it ran.
        ///
        /// Covers D14, D29.
        @Test func aDeadlineThatComesNearerIsMet() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            let file = fleet.run.path + "/deadline"
            let far = Date().timeIntervalSince1970 + 9000
            try fleet.start(environment: [
                WorkerEnvironment.deadline: "\(Int(far))", WorkerEnvironment.deadlineFile: file,
            ])
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 1 })
            try DurableFile.write(Data("\(Int(Date().timeIntervalSince1970) + 1)\n".utf8), to: file)
            #expect(await fleet.wait() == [75])
            #expect(fleet.events(epoch: 1).last?.message?.contains("the time limit") == true)
        }

        /// Covers D8, E11.
        @Test func aNewerIncarnationEndsTheOlderOneWithoutASave() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            try fleet.start()
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 5 })
            try DurableFile.createExclusively(Data("{}".utf8), at: fleet.run.claim(epoch: 2))
            #expect(await fleet.wait() == [76])
            #expect(fleet.events(epoch: 1).contains { $0.kind == .saveFailed })
            let left = try fleet.checkpoints.names()
            #expect(left.allSatisfy { $0.step <= 12 }, "\(left)")
        }

        /// Writes fail past a file size, as on a full disk: the run goes on, older checkpoints stay, the end is honest.
        ///
        /// Covers E7.
        @Test func aFullDiskCostsTheSavesAndNothingElse() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data))
            try fleet.start()
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 5 })
            fleet.kill(SIGTERM)
            #expect(await fleet.wait() == [75])
            let before = try fleet.checkpoints.names()
            #expect(try await fleet.live(fileBlocks: 64) == [1])
            let events = fleet.events(epoch: 2)
            #expect(fleet.lastStep(epoch: 2) == 20)
            #expect(events.count { $0.kind == .saveFailed } >= 3)
            #expect(events.first { $0.kind == .saveFailed }?.message?.contains(fleet.run.checkpoints) == true)
            #expect(try fleet.checkpoints.entries() == before.map(\.description))
            #expect(try await fleet.live() == [0])
        }

        /// A validation that would take minutes is left at once, mid-run and at the end, with every step saved.
        @Test(arguments: [2, 0])
        func aStopDuringValidationLosesNoStep(evaluateEvery: Int) async throws {
            var recipe = try TinyRecipe.make(data, steps: 6)
            recipe.data?.validation = [data("train.txt")]
            recipe.checkpoint.everySteps = nil
            recipe.train.evaluateEvery = evaluateEvery
            // An odd number: one rank has a sequence more than the other.
            recipe.train.evaluateSequences = 3
            let reference = try Fleet(recipe)
            #expect(try await reference.live(ranks: 2) == [0, 0], "\(reference.output())")
            recipe.train.evaluateSequences = 0
            try DurableFile.write(
                Data(String(repeating: TinyRecipe.text, count: 100).utf8), to: data("long.txt"))
            recipe.data?.validation = [data("long.txt")]
            let fleet = try Fleet(recipe, sameNumericsAs: reference)
            try fleet.start(ranks: 2)
            #expect(await fleet.poll { fleet.events().contains { $0.phase == .evaluate } }, "\(fleet.output())")
            fleet.kill(SIGTERM, rank: 1)
            #expect(await fleet.wait() == [75, 75])
            let step = evaluateEvery > 0 ? 2 : 6
            #expect(try fleet.checkpoints.names() == [CheckpointName(step: step, epoch: 1)])
            #expect(!fleet.events().contains { $0.kind == .validation })
            recipe.data?.validation = [data("train.txt")]
            recipe.train.evaluateSequences = 3
            try fleet.write(recipe)
            #expect(try await fleet.live(ranks: 2) == [0, 0], "\(fleet.output())")
            #expect(fleet.losses() == reference.losses())
            #expect(try await fleet.hashes() == reference.hashes())
        }

        /// Links that get no time must not push real fall-backs out of the checkpoints that are kept.
        @Test func aStopBeforeTheFirstNewStepWritesNothing() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            try fleet.start()
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 5 })
            fleet.kill(SIGTERM)
            #expect(await fleet.wait() == [75])
            let before = try fleet.checkpoints.names()
            try DurableFile.write(Data(), to: fleet.run.stopRequest)
            #expect(try await fleet.live() == [75])
            #expect(fleet.lastStep(epoch: 2) == -1)
            #expect(try fleet.checkpoints.names() == before)
            #expect(!fleet.events(epoch: 2).contains { $0.kind == .saved })
        }

        /// Rank 1 dies while rank 0 saves in the background: rank 0 ends too, but not before its save has.
        ///
        /// Covers E16.
        @Test func aSaveUnderWayIsCommittedWhenAnotherRankDies() async throws {
            var recipe = try TinyRecipe.make(data, steps: 100_000)
            recipe.model?.feedForwardSize = 32_768
            recipe.checkpoint.everySteps = 2
            let fleet = try Fleet(recipe)
            try fleet.start(ranks: 2)
            let saving = try await fleet.poll {
                try fleet.checkpoints.entries().contains { $0.hasPrefix(".tmp-") }
            }
            #expect(saving, "\(fleet.output())")
            fleet.kill(SIGKILL, rank: 1)
            #expect(await fleet.wait() == [1, -SIGKILL])
            #expect(try fleet.checkpoints.entries().allSatisfy { !$0.hasPrefix(".") })
            #expect(try fleet.checkpoints.names().count >= 1)
        }

        /// Covers I3.
        @Test(arguments: PolicySection.NaNAction.allCases)
        func aRunThatDivergesStopsByPolicy(action: PolicySection.NaNAction) async throws {
            var recipe = try TinyRecipe.make(data)
            recipe.optimizer.learningRate = 1e30
            recipe.schedule.name = .constant
            recipe.schedule.warmupSteps = 0
            recipe.optimizer.clip = 0
            recipe.checkpoint.everySteps = 1
            recipe.policy.onNaN = action
            recipe.policy.rollBackCheckpoints = 2
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [79], "\(fleet.output())")
            let rollbacks = fleet.events().count { $0.message?.contains("rolling back") == true }
            #expect(rollbacks == (action == .rollback ? 3 : 0))
            let skips = fleet.events().count { $0.message?.contains("passing over its batch") == true }
            #expect(skips == (action == .stop ? 0 : 3))
        }

        @Test func halfPrecisionLearnsAndKeepsFullPrecisionWeights() async throws {
            var recipe = try TinyRecipe.make(data, steps: 30)
            recipe.train.precision = .bf16
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let losses = fleet.losses()
            #expect(losses[30]?.first ?? .nan < (losses[1]?.first ?? 0) - 0.5)
            #expect(try DurableFile.read(fleet.run.path + "/numerics.json").count > 0)
        }

        @Test func validationRunsWhenAskedAndAtTheEnd() async throws {
            var recipe = try TinyRecipe.make(data)
            recipe.train.evaluateEvery = 8
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0])
            let passes = fleet.events().filter { $0.kind == .validation }
            #expect(passes.map(\.step) == [8, 16, 20])
            #expect(passes.allSatisfy { $0.validationLoss ?? 0 > 0 })
            let text = try await Spawn.output([
                "evaluate", "--run-folder", fleet.run.path, "--data", data("validation.txt"), "--sequence-length",
                "64",
            ])
            let loss =
                try JSONDecoder().decode([String: LooseValue].self, from: Data(text.utf8))["loss"]?.value as? Double
            #expect(abs((loss ?? 0) - (passes.last?.validationLoss ?? .nan)) < 2e-6)
        }
    }
}
