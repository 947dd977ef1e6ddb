import MoltScheduler
import Testing

/// How a waiting job stands, in words.
struct JobRankingTests {
    private static func ranking(points: [String: Double]?, weight: UInt32 = 1000) -> JobRanking {
        var ranking = JobRanking(
            priority: 900, ahead: 0, usersAhead: 0, rule: "priority/multifactor",
            weights: [JobRanking.fairShare: weight, "waiting time": 1000])
        ranking.points = points
        return ranking
    }

    /// libslurm tells what the fair share gives, weight included.
    @Test(arguments: [(200.0, "0.20"), (1000, "1.00"), (0, "0.00"), (1001, "1.00"), (-5, "0.00")])
    func theFairShareIsWhatItGivesOfWhatItCouldGive(_ points: Double, _ text: String) {
        let words = Self.ranking(points: [JobRanking.fairShare: points]).words
        #expect(words.contains { $0.hasPrefix("your fair share stands at \(text):") }, "\(words)")
    }

    @Test func whereItDoesNotCountNothingIsSaidOfIt() {
        #expect(Self.ranking(points: nil).words.count == 2)
        #expect(!Self.ranking(points: [JobRanking.fairShare: 0], weight: 0).words.contains { $0.contains("stands") })
        var basic = Self.ranking(points: [JobRanking.fairShare: 10])
        basic.rule = "priority/basic"
        #expect(basic.words.last == "this cluster goes by the order of submission")
    }
}
