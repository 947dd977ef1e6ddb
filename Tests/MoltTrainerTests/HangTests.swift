import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

extension WorkerTests {
    /// What a worker tells those who watch for hangs.
    struct HangTests {
        private let data = TemporaryFolder("data")

        /// Asked twice, and then goes on as if nothing had been.
        @Test func everyThreadsStackIsToldAtSIGQUIT() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            try fleet.start(ranks: 2)
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 2 })
            for round in 1...2 {
                fleet.kill(SIGQUIT)
                #expect(
                    await fleet.poll {
                        (0...1).allSatisfy { fleet.output($0).occurrences(of: "--- end of stacks ---") == round }
                    }, "\(fleet.output())")
            }
            let text = fleet.output()
            #expect(text.contains("molt-train") && text.contains("stack of thread"))
            #expect(!text.contains("(it does not answer)"))
            #expect(text.contains("libc.so"), "frames have names or at least libraries")
            let step = fleet.lastStep(epoch: 1)
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) > step + 2 })
            fleet.kill(SIGTERM)
            #expect(await fleet.wait() == [75, 75])
        }

        /// A stopped rank tells its stack as soon as it may run again, which is how a hang is looked into.
        @Test func aStoppedRankTellsItsStackOnceItIsContinued() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 100_000))
            try fleet.start(ranks: 2)
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 2 })
            fleet.kill(SIGSTOP, rank: 1)
            fleet.kill(SIGCONT, rank: 1)
            fleet.kill(SIGQUIT, rank: 1)
            #expect(await fleet.poll { fleet.output(1).contains("--- end of stacks ---") })
            fleet.kill(SIGTERM)
            #expect(await fleet.wait() == [75, 75])
        }

        /// The budget of the longest phase counts for all, so a rank that waits for another's save must say so.
        @Test func everyRankSaysThatItSaves() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 6))
            #expect(try await fleet.live(ranks: 2) == [0, 0])
            for rank in 0...1 {
                let phases = fleet.events(epoch: 1, rank: rank).compactMap(\.phase)
                #expect(phases.contains(.save) && phases.contains(.evaluate) && phases.contains(.step))
            }
            let saved = try #require(fleet.events().last { $0.kind == .saved })
            #expect(saved.sha256?.count == 64)
            let manifest = try fleet.checkpoints.verify(CheckpointName(step: 4, epoch: 1))
            #expect(fleet.events().first { $0.kind == .saved }?.stall ?? -1 >= 0)
            #expect(manifest.slowestSave == nil, "nothing was saved before it")
        }

        /// A later incarnation knows how long saves take before its own first one.
        @Test func whatASaveTookIsKnownToTheNextIncarnation() async throws {
            var recipe = try TinyRecipe.make(data, steps: 9)
            recipe.train.evaluateEvery = 4
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0])
            let newest = try #require(try fleet.checkpoints.names().last)
            let manifest = try fleet.checkpoints.verify(newest)
            #expect(manifest.slowestSave ?? 0 > 0)
            #expect(manifest.validationLoss ?? 0 > 0)
        }
    }
}

extension String {
    /// How often `part` stands in it.
    fileprivate func occurrences(of part: String) -> Int {
        split(separator: part, omittingEmptySubsequences: false).count - 1
    }
}
