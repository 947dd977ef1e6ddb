import MoltCore
import MoltSimulation
import Testing

/// Few seeds; `molt-sim run` runs many.
struct SimulationTests {
    /// Covers B2, D17, N3.
    @Test func noSeedBreaksAPromise() async {
        let report = await Campaign.run(first: 1, count: 60, jobs: 2)
        #expect(report.failures.isEmpty, "\(report.report(seconds: 0))")
        #expect(report.seeds == 60)
        #expect(report.medianEvents >= Campaign.medianEvents)
    }

    @Test(arguments: [3, 17, 1_000_001] as [UInt64])
    func aSeedReplaysByteForByte(_ seed: UInt64) async {
        let first = await Simulation.run(seed: seed, keepsTrace: true)
        let second = await Simulation.run(seed: seed, keepsTrace: true)
        #expect(first.trace == second.trace)
        #expect(first.digest == second.digest)
        #expect(first.trace.count > 20)
        // Keeping the story changes nothing in it.
        let silent = await Simulation.run(seed: seed)
        #expect(silent.digest == first.digest)
        #expect(silent.trace.isEmpty)
    }

    @Test func seedsDiffer() async {
        var digests: Set<UInt64> = []
        for seed in 1...20 as ClosedRange<UInt64> { digests.insert(await Simulation.run(seed: seed).digest) }
        #expect(digests.count == 20)
    }

    /// What one seed has drawn no other draws: its neighbours' worlds are other worlds.
    @Test func neighboursShareNoDraw() {
        var drawn: Set<UInt64> = []
        for seed in 1...100 as ClosedRange<UInt64> {
            var random = SeededGenerator(seed: seed)
            for _ in 0..<2000 { drawn.insert(random.next()) }
        }
        #expect(drawn.count == 200_000)
    }

    /// Checks that notice nothing would prove nothing.
    @Test(arguments: Sabotage.allCases)
    func theChecksNoticeAMistake(_ sabotage: Sabotage) async throws {
        for seed in 1...600 as ClosedRange<UInt64> {
            let report = await Simulation.run(seed: seed, sabotage: sabotage)
            if !report.violations.isEmpty { return }
        }
        Issue.record("600 seeds did not notice \(sabotage)")
    }

    /// Covers N7.
    @Test func aNewDaemonKnowsWhatBecameOfEveryJobAfterItsFirstTurn() async {
        let adoption = await Adoption.run(jobs: 250)
        #expect(adoption.wrong.isEmpty, "\(adoption.wrong.prefix(3))")
    }

    @Test func whatIsReachableIsWhatTheLoopCanMeet() {
        #expect(Pairs.reachable.count > 200)
        #expect(!Pairs.isReachable(.finished, .acknowledged))
        #expect(Pairs.isReachable(.finished, .cancelAsked))
        #expect(Pairs.isReachable(.cooldown, .sawRunning))
    }
}
