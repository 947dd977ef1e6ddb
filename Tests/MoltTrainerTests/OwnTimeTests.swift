import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// What a rank tells of its own part in the steps.
struct OwnTimeTests {
    @Test func itIsTheMeanSinceItWasToldLast() throws {
        var time = OwnTime(now: 0)
        #expect(time.took(1, now: 0.5) == nil)
        #expect(time.took(2, now: 0.9) == nil)
        #expect(time.took(6, now: 1) == .init(seconds: 3, steps: 3))
        #expect(time.took(5, now: 3) == .init(seconds: 5, steps: 1))
    }

    @Test func aStepThatSaysNothingOfTheRankIsLeftOut() {
        var time = OwnTime(now: 0)
        #expect(time.took(nil, now: 100) == nil)
        #expect(time.took(2, now: 101) == .init(seconds: 2, steps: 1))
    }

    /// A day of steps of a tenth of a second.
    @Test func itIsToldEarlyAndThenRarely() {
        var time = OwnTime(now: 0)
        let told = (1...864_000).map { Double($0) / 10 }.filter { time.took(0.1, now: $0) != nil }
        #expect(told.prefix(5).map { $0.rounded() } == [1, 3, 7, 15, 25])
        #expect(told.count < 8700, "\(told.count) lines a day")
    }
}

extension WorkerTests {
    /// In a pair that takes each step together one is stopped most of the time: the other's own time does not show it.
    struct PaceTests {
        private let data = TemporaryFolder("data")

        /// Covers I5.
        @Test func theWaitForASlowRankIsNotTheOthersTime() async throws {
            var recipe = try TinyRecipe.make(data, steps: 100_000)
            recipe.checkpoint.everySteps = 100_000
            let fleet = try Fleet(recipe)
            try fleet.start(ranks: 2)
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 2 })
            var figures: [[RunEvent]] = []
            let isTold = await fleet.poll {
                // Stopped for five sixths of the time, in bits that are shorter than a step.
                for _ in 1...10 {
                    fleet.kill(SIGSTOP, rank: 1)
                    usleep(10_000)
                    fleet.kill(SIGCONT, rank: 1)
                    usleep(2000)
                }
                figures = (0...1).map { rank in fleet.events(epoch: 1, rank: rank).filter { $0.own != nil } }
                return figures.allSatisfy { $0.count >= 2 }
            }
            fleet.kill(SIGTERM)
            #expect(isTold, "\(fleet.output())")
            #expect(await fleet.wait() == [75, 75])
            let own = try figures.map { try #require($0[1].own) }
            #expect(own[1] > 1.5 * own[0], "\(own)")
            // Rank 0 takes its steps with the other, and works in a part of that time only.
            let steps = fleet.events(epoch: 1).filter { $0.kind == .step }.compactMap(\.seconds).sorted()
            #expect(own[0] < steps[steps.count / 2], "\(own[0]) of \(steps[steps.count / 2]) s")
        }

        @Test func whoIsAloneWaitsForNobody() async throws {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 30))
            #expect(try await fleet.live() == [0])
            #expect(fleet.events().allSatisfy { $0.own == nil })
        }
    }
}
