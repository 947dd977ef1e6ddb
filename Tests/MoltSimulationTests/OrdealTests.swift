import MoltSimulation
import Testing

/// Promises that count their cases, each in worlds that are full of the trouble in question.
/// `molt-sim replay SEED ORDEAL` tells a seed that fails.
struct OrdealTests {
    /// Runs seed after seed until there were so many cases; none may break a promise.
    private func live(
        through ordeal: Ordeal, until cases: Int, of figure: KeyPath<Statistics, Int>
    ) async -> Statistics {
        var total = CampaignReport(), first: UInt64 = 1
        while total.statistics[keyPath: figure] < cases, total.failures.isEmpty, first < 100_000 {
            total.add(await Campaign.run(first: first, count: 128, jobs: 2, ordeal: ordeal))
            first += 128
        }
        #expect(total.reasons.isEmpty, "\(ordeal.rawValue): \(total.reasons.prefix(5))")
        #expect(total.statistics[keyPath: figure] >= cases)
        return total.statistics
    }

    /// The number of a job of ours belongs to somebody else's, or to another run's.
    ///
    /// Covers B7, N6.
    @Test func ofFiveHundredRecycledNumbersNoneIsActedUpon() async {
        let statistics = await live(through: .recycledIDs, until: 500, of: \.recycledIDs)
        #expect(statistics.foreignJobs > 0, "the loop was never in danger of it")
    }

    /// Purged before anybody saw the end, or forgotten with all the others.
    ///
    /// Covers B6, B16, C1, N8.
    @Test func ofFiveThousandVanishedJobsNoneIsCalledDoneWithoutItsReceipt() async {
        let statistics = await live(through: .forgottenJobs, until: 5000, of: \.vanished)
        #expect(statistics.crashes > 100)
    }

    /// Nothing is sent again for a run whose job the scheduler forgot with many others, before its user or the site's
    /// patience allows it.
    ///
    /// Covers B6.
    @Test func ofAThousandForgottenRunsNoneGoesOnUnasked() async {
        let statistics = await live(through: .amnesia, until: 1000, of: \.pauses)
        #expect(statistics.submissions > 2000)
    }

    /// Covers C5.
    @Test func ofAThousandChangedCommentsNoneDoublesARun() async {
        let statistics = await live(through: .changedComments, until: 1000, of: \.changedComments)
        #expect(statistics.submissions > 500)
    }

    /// An hour forth and back on the daemon's host, five minutes between it and the controller.
    ///
    /// Covers G1, G2, N26.
    @Test func tenThousandChangesOfTheClockLeadNoRunAstray() async {
        // A clock that is set matters to a daemon that starts by it; while one runs it goes by a steady one.
        _ = await live(through: .wrongClocks, until: 10_000, of: \.changedClocks)
    }
}
