import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

/// How often to save, against the formula's own promise: no other interval loses less.
struct SaveIntervalTests {
    @Test(arguments: [(1.0, 3600.0), (10, 3600), (60, 7200), (0.1, 600), (300, 86400)])
    func noOtherIntervalLosesMuchLess(_ cost: Double, _ between: Double) throws {
        let best = try #require(SaveInterval.best(cost: cost, interruptions: 10, in: 10 * between))
        func loss(_ interval: Double) throws -> Double {
            try #require(SaveInterval.loss(every: interval, cost: cost, interruptions: 10, in: 10 * between))
        }
        let least = try stride(from: best / 4, through: best * 4, by: best / 100).map(loss).min() ?? 0
        #expect(try loss(best) <= least * 1.02)
        #expect(try loss(best) < loss(best / 3) && loss(best) < loss(best * 3))
    }

    /// Young's square root, from the textbook: a minute to save, a failure a day.
    @Test func itIsNearTheSquareRoot() throws {
        let best = try #require(SaveInterval.best(cost: 60, interruptions: 1, in: 86400))
        #expect(abs(best - (2.0 * 60 * 86400).squareRoot()) < 60)
    }

    @Test(arguments: [(0.0, 1, 100.0), (1, 0, 100), (1, 1, 0)])
    func withoutFiguresThereIsNone(_ cost: Double, _ interruptions: Int, _ seconds: Double) {
        #expect(SaveInterval.best(cost: cost, interruptions: interruptions, in: seconds) == nil)
    }

    @Test func whereSavesTakeLongerThanRunsLiveTheyFollowTheInterruptions() {
        #expect(SaveInterval.best(cost: 300, interruptions: 10, in: 1000) == 100)
    }

    @Test func signsOfLifeCountUp() throws {
        let folder = TemporaryFolder("sign")
        var sign = SignOfLife(incarnationFolder: folder.path)
        #expect(sign.read() == nil)
        for count in 1...12 {
            try sign.give()
            #expect(sign.read() == count)
        }
    }

    @Test func theNewestEpochIsWhatWasListedOrAnnounced() throws {
        let folder = TemporaryFolder("epochs"), epochs = EpochFolder(path: folder.path)
        #expect(try epochs.newest() == 0)
        try DurableFile.createExclusively(Data("{}".utf8), at: folder("1"))
        #expect(try epochs.newest() == 1)
        for epoch in [1, 4, 3] { epochs.announce(epoch) }
        #expect(try epochs.newest() == 4)
        try DurableFile.createExclusively(Data("{}".utf8), at: folder("12"))
        try DurableFile.write(Data("no number".utf8), to: folder("13x"))
        #expect(try epochs.newest() == 12)
    }
}
