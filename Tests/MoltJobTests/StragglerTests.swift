import MoltCore
import MoltJob
import Testing

/// Which rank makes the others wait: the watch as a value, and molt-job with ranks that say how long they work.
struct StragglerTests {
    private static func own(_ seconds: Double, steps: Int = 10) -> RunEvent {
        var event = RunEvent(.phase, at: 0)
        (event.own, event.ownSteps) = (seconds, steps)
        return event
    }

    /// Tells one round of figures; returns what the last of them changed.
    private static func tell(_ watch: inout StragglerWatch, _ figures: [Double]) -> StragglerWatch.Change? {
        var change: StragglerWatch.Change?
        for (rank, figure) in figures.enumerated() { change = watch.handle(own(figure), rank: rank) ?? change }
        return change
    }

    /// The numbers of the rounds (from 1) after which something was said.
    private static func said(_ ranks: Int, rounds: Int, _ figures: (Int) -> [Double]) -> [Int] {
        var watch = StragglerWatch(ranks: ranks)
        return (1...rounds).filter { tell(&watch, figures($0)) != nil }
    }

    /// Covers I5.
    @Test func aSlowRankIsFoundAfterSomeRoundsAndToldOnce() throws {
        var watch = StragglerWatch(ranks: 4), found: [StragglerWatch.Change] = []
        for _ in 1..<StragglerWatch.rounds { #expect(Self.tell(&watch, [1, 1, 1.5, 1]) == nil) }
        for _ in 1...500 { if let change = Self.tell(&watch, [1, 1, 1.5, 1]) { found.append(change) } }
        #expect(found == [.slow([.init(rank: 2, own: 1.5, median: 1)])])
        for round in 1...500 {
            let change = Self.tell(&watch, [1, 1, 1.01, 1])
            #expect(change == (round == StragglerWatch.rounds ? .even : nil), "round \(round)")
        }
    }

    /// Covers I5.
    @Test func whatIsNobodysSlownessIsNotReported() {
        #expect(Self.said(4, rounds: 1000) { $0 < 300 ? [1, 1, 1, 1] : [9, 9, 9, 9] } == [], "all are slow alike")
        #expect(Self.said(4, rounds: 1000) { $0 == 7 ? [1, 80, 1, 1] : [1, 1, 1, 1] } == [], "one step, once")
        #expect(Self.said(4, rounds: 1000) { $0 % 6 == 0 ? [1, 1, 1, 1] : [3, 1, 1, 1] } == [], "time and again")
        #expect(Self.said(4, rounds: 1000) { [$0 % 4 == 0 ? 5 : 1, 1, 1, $0 % 4 == 1 ? 5 : 1] } == [], "in turn")
        #expect(Self.said(4, rounds: 1000) { _ in [1.25, 1, 1, 1.1] } == [], "too little to tell")
        #expect(Self.said(4, rounds: 1000) { _ in [0.002, 0.001, 0.001, 0.001] } == [], "a millisecond")
        #expect(Self.said(1, rounds: 1000) { _ in [5] } == [], "alone")
    }

    /// Of two one is enough to be the quicker half; of two slow ones of four neither hides the other.
    ///
    /// Covers I5.
    @Test(arguments: [([2.0, 1.0], [0]), ([1, 2, 2, 1], [1, 2]), ([1, 1, 3], [2]), ([3, 2, 1, 1, 1], [0, 1])])
    func halfOfTheRanksAreTheMeasure(_ figures: [Double], _ slow: [Int]) throws {
        var watch = StragglerWatch(ranks: figures.count), found: [StragglerWatch.Slow] = []
        for _ in 1...20 { if case .slow(let list) = Self.tell(&watch, figures) { found = list } }
        #expect(found.map(\.rank) == slow, "the slowest first")
    }

    /// Slow for a while, well for a while, for ever: a hundred thousand rounds are eleven days.
    ///
    /// Covers I5.
    @Test func whatComesAndGoesIsToldEverMoreRarely() {
        let told = Self.said(4, rounds: 100_000) { $0 / 40 % 2 == 0 ? [1, 1, 1, 1] : [1, 1, 1, 2] }
        #expect((2...8).contains(told.count), "\(told)")
        let far = Self.said(4, rounds: 100_100) { $0 / 1000 % 2 == 0 ? [1, 1, 1, 1] : [1, 1, 1, 2] }
        #expect(far.count == 100, "what lasts is told each time: \(far.count)")
    }

    /// Between the two bounds nothing changes, whatever was said last.
    @Test func nearTheBoundNothingFlaps() {
        let told = Self.said(4, rounds: 5000) { $0 < 20 ? [2, 1, 1, 1] : [$0 % 2 == 0 ? 1.29 : 1.16, 1, 1, 1] }
        #expect(told == [StragglerWatch.rounds])
        let begun = Self.said(4, rounds: 5000) { [$0 % 2 == 0 ? 1.29 : 1.31, 1, 1, 1] }
        #expect(begun == [])
    }

    @Test func aRoundNeedsAWordOfEveryRankAndCountsWhatEachHasSaid() {
        var watch = StragglerWatch(ranks: 3)
        for _ in 1...100 {
            #expect(watch.handle(Self.own(9), rank: 0) == nil)
            #expect(watch.handle(Self.own(1), rank: 1) == nil)
        }
        // Nine steps of 2 s and one of 12 s are a mean of 3 s; of another rank nothing is told that is no figure.
        var change: StragglerWatch.Change?
        watch = StragglerWatch(ranks: 3)
        for _ in 1...StragglerWatch.rounds {
            _ = watch.handle(Self.own(2, steps: 9), rank: 0)
            _ = watch.handle(Self.own(12, steps: 1), rank: 0)
            _ = watch.handle(Self.own(1), rank: 1)
            for none in [Double.nan, .infinity, -1] { _ = watch.handle(Self.own(none), rank: 2) }
            _ = watch.handle(RunEvent(.step, at: 0, step: 3), rank: 2)
            _ = watch.handle(Self.own(1), rank: 7)
            _ = watch.handle(Self.own(1), rank: -1)
            change = watch.handle(Self.own(1), rank: 2)
        }
        #expect(change == .slow([.init(rank: 0, own: 3, median: 1)]))
    }

    @Test func whatWasSaidWhileTheRanksWereStoppedIsForgotten() {
        var watch = StragglerWatch(ranks: 2)
        for _ in 1...100 {
            _ = watch.handle(Self.own(60), rank: 0)
            watch.interrupted()
            #expect(Self.tell(&watch, [1, 1]) == nil)
        }
    }

    @Test func theSentenceNamesRankNodeAndMeasure() {
        let list = (0..<6).map { StragglerWatch.Slow(rank: $0, own: 0.09, median: 0.05) }
        let text = StragglerWatch.Change.slow(list).sentence(ranks: 64) { $0 == 0 ? "n7" : nil }
        let works = "works 90.0 ms on a step, 1.8 times the median"
        let expected = [
            "rank 0 on n7 \(works)", "rank 1 \(works)", "rank 2 \(works)", "rank 3 \(works)",
            "so do 2 more. Half of the 64 ranks work 50.0 ms at most and then wait",
        ].joined(separator: "; ")
        #expect(text == expected)
        #expect(StragglerWatch.Change.even.sentence(ranks: 2) { _ in nil }.contains("any more"))
    }

    /// Two ranks in step, of which one works three times as long; then both alike.
    ///
    /// Covers I5.
    @Test func moltJobSaysWhichRankOnWhichNodeIsSlow() throws {
        let job = try JobFixture(
            """
            say() { echo "$1" >> "$MOLT_PROGRESS_FILE"; }
            own=0.1; [ $RANK = 1 ] && own=0.3
            for step in $(seq 1 20); do
              [ $step -gt 10 ] && own=0.1
              say "{\\"kind\\":\\"phase\\",\\"phase\\":\\"step\\",\\"own\\":$own,\\"own_steps\\":3,\\"step\\":$step}"
              : > at.$step.$RANK
              for rank in 0 1; do while [ ! -e at.$step.$rank ]; do sleep 0.02; done; done
            done
            """, ranks: 2)
        #expect(try job.runToEnd(["SLURMD_NODENAME": "n1"]) == 0)
        let slow = "rank 1 on n1 works 0.30 s on a step, 3.0 times the median"
        #expect(job.jobLog.contains(slow) && job.jobLog.contains("no rank makes the others wait any more"))
        let events = job.text(job.run.events(epoch: 1, writer: .job)).split(separator: "\n")
        #expect(events.count { $0.contains("\"slowRank\"") && $0.contains(slow) } == 1)
        #expect(events.count { $0.contains("\"slowRankOver\"") } == 1)
    }
}
