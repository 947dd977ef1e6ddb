import FoundationEssentials
import MoltCore
import MoltData
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A run that is interrupted, however and whenever, is bit for bit the run that was not: losses, weights and
/// optimizer.
@Suite(.serialized)
struct ResumeTests {
    private let data = TemporaryFolder("data")

    private func expectSame(_ fleet: Fleet, as reference: Fleet) async throws {
        let expected = reference.losses()
        #expect(fleet.losses() == expected)
        #expect(expected.count == reference.lastStep(epoch: 1))
        #expect(try await fleet.hashes() == reference.hashes())
        #expect(try await reference.hashes().count == 2)
    }

    /// Ten incarnations of each run are ended at steps drawn from a fixed seed, by SIGTERM and SIGKILL in turn.
    ///
    /// Covers D13, E13, N9.
    @Test(arguments: [1, 2])
    func aRunStoppedAndKilledTenTimesIsBitForBitTheSame(ranks: Int) async throws {
        let recipe = try TinyRecipe.make(data, steps: 36)
        let reference = try Fleet(recipe)
        #expect(try await reference.live(ranks: ranks) == Array(repeating: 0, count: ranks))
        let fleet = try Fleet(recipe, sameNumericsAs: reference)
        var generator = SeededGenerator(UInt64(ranks))
        var ends: [Int32: Int] = [:]
        for number in 0..<10 {
            let signal = number % 2 == 0 ? SIGTERM : SIGKILL
            // A killed run falls back to its last save, at most four steps; the others lose nothing.
            let target = number * 3 + Int(generator.below(3))
            try fleet.start(ranks: ranks)
            let epoch = fleet.epoch
            let interrupted = await fleet.poll { fleet.lastStep(epoch: epoch) >= min(target, 34) }
            if interrupted { fleet.kill(signal) }
            let statuses = await fleet.wait()
            if signal == SIGTERM { #expect(statuses.allSatisfy { $0 == 75 }, "\(statuses) \(fleet.output())") }
            if interrupted { ends[signal, default: 0] += 1 }
        }
        #expect(ends == [SIGTERM: 5, SIGKILL: 5])
        #expect(try await fleet.live(ranks: ranks) == Array(repeating: 0, count: ranks))
        try await expectSame(fleet, as: reference)
    }

    /// Saves are made slow by a wide layer, and the workers die while a temporary folder is there.
    ///
    /// Covers D12, E13, N9.
    @Test(arguments: [1, 2])
    func aRunKilledDuringFiveSavesIsBitForBitTheSame(ranks: Int) async throws {
        var recipe = try TinyRecipe.make(data, steps: 24)
        recipe.model?.feedForwardSize = 32_768
        recipe.checkpoint.everySteps = 2
        let reference = try Fleet(recipe)
        #expect(try await reference.live(ranks: ranks) == Array(repeating: 0, count: ranks))
        let fleet = try Fleet(recipe, sameNumericsAs: reference)
        var killed = 0
        for _ in 0..<10 where killed < 5 {
            try fleet.start(ranks: ranks)
            let before = try fleet.checkpoints.names().last
            let isSaving = try await fleet.poll {
                // The first save of an incarnation may end, so that the run moves on.
                try fleet.checkpoints.names().last != before
                    && fleet.checkpoints.entries().contains { $0.hasPrefix(".tmp-") }
            }
            if isSaving { killed += 1 }
            fleet.kill(SIGKILL)
            _ = await fleet.wait()
        }
        #expect(killed == 5)
        #expect(try await fleet.live(ranks: ranks) == Array(repeating: 0, count: ranks))
        try await expectSame(fleet, as: reference)
        #expect(try fleet.checkpoints.entries().allSatisfy { !$0.hasPrefix(".") })
    }

    /// SIGKILL at a moment drawn from the seed, around saves that go on while the run trains. A killed run loses at
    /// most an interval, and with it what was done while the save that did not end was under way.
    ///
    /// Covers N9.
    @Test(arguments: [1, 2])
    func killsAtRandomMomentsOfSavesLoseLittleAndNoBit(ranks: Int) async throws {
        let kills = 25, interval = 4
        var recipe = try TinyRecipe.make(data, steps: 12 * kills)
        // A step takes some twenty milliseconds, about as long as a save.
        recipe.data?.sequenceLength = 512
        recipe.checkpoint.everySteps = interval
        let reference = try Fleet(recipe)
        #expect(try await reference.live(ranks: ranks) == Array(repeating: 0, count: ranks))
        let fleet = try Fleet(recipe, sameNumericsAs: reference)
        var numbers = Trial.numbers("N9 \(ranks)")
        for _ in 0..<kills {
            try fleet.start(ranks: ranks)
            let epoch = fleet.epoch, wanted = Int.random(in: 1...6, using: &numbers)
            let delay = Double.random(in: 0..<0.02, using: &numbers)
            let isLive = await fleet.poll {
                guard let first = fleet.firstStep(epoch: epoch) else { return false }
                return fleet.lastStep(epoch: epoch) >= first + wanted
            }
            #expect(isLive, "\(fleet.output())")
            try await Task.sleep(for: .seconds(delay))
            fleet.kill(SIGKILL)
            _ = await fleet.wait()
            #expect(fleet.events(epoch: epoch).allSatisfy { $0.kind != .rejectedCheckpoint })
        }
        #expect(try await fleet.live(ranks: ranks) == Array(repeating: 0, count: ranks))
        let losses = try (1...kills).map { try KillLoss(in: fleet, epoch: $0) }
        for loss in losses { #expect(loss.isWithin(interval), "\(loss)") }
        print("steps lost by each kill, of them during the save: \(losses.map { [$0.steps, $0.duringSave] })")
        try await expectSame(fleet, as: reference)
        Trial.report("N9", [
            "kills": Double(kills), "most steps lost of 4 an interval": Double(losses.map(\.steps).max() ?? 0),
            "most steps of them during the save that the kill hit": Double(losses.map(\.duringSave).max() ?? 0),
            "most steps lost besides": Double(losses.map { $0.steps - $0.duringSave }.max() ?? 0),
        ])
    }

    /// Covers E3.
    @Test func aDamagedCheckpointIsNamedAndTheRunGoesOnFromTheOneBefore() async throws {
        let recipe = try TinyRecipe.make(data)
        let reference = try Fleet(recipe)
        #expect(try await reference.live() == [0])
        let fleet = try Fleet(recipe, sameNumericsAs: reference)
        try fleet.start()
        #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 13 })
        fleet.kill(SIGTERM)
        #expect(await fleet.wait() == [75])
        let newest = try #require(try fleet.checkpoints.names().last)
        let shard = fleet.checkpoints.folder(of: newest) + "/model.safetensors"
        var bytes = try DurableFile.read(shard)
        bytes[bytes.count - 1] ^= 1
        try DurableFile.write(bytes, to: shard)
        #expect(try await fleet.live() == [0])
        let rejected = fleet.events(epoch: 2).filter { $0.kind == .rejectedCheckpoint }
        #expect(rejected.map(\.checkpoint) == ["\(newest)"])
        #expect(rejected.first?.message?.contains(shard) == true)
        try await expectSame(fleet, as: reference)
    }

    /// Sums are taken in another order, so the losses are close and no more.
    ///
    /// Covers E12.
    @Test func aRunMayChangeItsNumberOfRanks() async throws {
        let recipe = try TinyRecipe.make(data)
        let reference = try Fleet(recipe)
        #expect(try await reference.live() == [0])
        let fleet = try Fleet(recipe, sameNumericsAs: reference)
        for (ranks, step) in [(1, 5), (2, 11)] {
            try fleet.start(ranks: ranks)
            let epoch = fleet.epoch
            #expect(await fleet.poll { fleet.lastStep(epoch: epoch) >= step })
            fleet.kill(SIGTERM)
            #expect(await fleet.wait().allSatisfy { $0 == 75 })
        }
        #expect(try await fleet.live(ranks: 4) == [0, 0, 0, 0])
        let found = fleet.losses()
        for (step, expected) in reference.losses() {
            for loss in found[step] ?? [] {
                #expect(abs(loss - (expected.first ?? .nan)) < 2e-6, "step \(step)")
            }
        }
        #expect(found.count == 20)
    }

    @Test func oneTwoAndFourRanksReportTheSameLosses() async throws {
        let recipe = try TinyRecipe.make(data)
        var all: [[Int: Set<Double>]] = []
        var first: Fleet?
        for ranks in [1, 2, 4] {
            let fleet = try Fleet(recipe, sameNumericsAs: first)
            first = first ?? fleet
            #expect(
                try await fleet.live(ranks: ranks) == Array(repeating: 0, count: ranks), "\(fleet.output())")
            all.append(fleet.losses())
        }
        for step in 1...20 {
            let losses = all.flatMap { Array($0[step] ?? []) }
            #expect(losses.count == 3)
            #expect((losses.max() ?? .nan) - (losses.min() ?? 0) < 2e-6, "step \(step): \(losses)")
        }
        #expect(all[0][20]?.first ?? .nan < (all[0][1]?.first ?? 0) - 0.5)
    }
}
