import MoltAPI
import MoltCore
import MoltLifecycle
import MoltServer
import Testing

/// Where time goes, on timelines that can be added up by hand.
struct RunCostTests {
    private static func step(_ number: Int, at: Double, took seconds: Double) -> RunEvent {
        var event = RunEvent(.step, at: at, step: number)
        event.seconds = seconds
        return event
    }

    private static func phase(_ phase: RunEvent.Phase, at: Double) -> RunEvent {
        var event = RunEvent(.phase, at: at)
        event.phase = phase
        return event
    }

    /// Submitted at 0; started at 10, loads from 12 to 15, five steps of 10 s, a save of 2 s after the third; preempted
    /// at 70, 3 s into its sixth step; again from 100, loads from 101 to 104, repeats the fourth step and goes on to
    /// the sixth; done at 140, 6 s after its last step.
    private static let starts = [
        RunCost.Start(
            startedAt: 10, endedAt: 70, outcome: "preempted", nodes: ["a"],
            events: [
                phase(.start, at: 10), phase(.load, at: 12), phase(.step, at: 15), step(1, at: 25, took: 10),
                step(2, at: 35, took: 10), step(3, at: 45, took: 10), phase(.save, at: 45), phase(.step, at: 47),
                step(4, at: 57, took: 10), step(5, at: 67, took: 10),
            ]),
        RunCost.Start(
            startedAt: 100, endedAt: 140, outcome: "finished", nodes: ["b"],
            events: [
                phase(.start, at: 100), phase(.load, at: 101), phase(.step, at: 104), step(4, at: 114, took: 10),
                step(5, at: 124, took: 10), step(6, at: 134, took: 10), phase(.finish, at: 134),
            ]),
    ]

    @Test func everySecondIsCountedOnceAndWhereItBelongs() throws {
        let cost = RunCost(createdAt: 0, starts: Self.starts, end: 140)
        var expected = TimeAccount()
        expected.queue = 10
        expected.start = 2 + 1
        expected.load = 3 + 3
        expected.save = 2
        expected.productive = 30 + 30
        expected.repeated = 20 + 3
        expected.handOver = 30
        expected.finish = 6
        #expect(cost.total == expected)
        #expect(cost.total.allocated + cost.total.queue + cost.total.handOver == 140)
        #expect(cost.total.effectiveRatio == 60.0 / 140)
    }

    /// Every second after `since`, and none before, whatever happens just then.
    @Test func whatWasBeforeIsNotCounted() throws {
        for since in stride(from: -10.0, through: 139, by: 0.5) {
            let cost = RunCost(createdAt: 0, starts: Self.starts, end: 140, since: since)
            let all = cost.total.allocated + cost.total.queue + cost.total.handOver
            #expect(abs(all - (140 - max(0, since))) < 1e-9, "since \(since)")
            #expect(cost.starts.count == cost.accounts.count)
        }
        // In the hand-over: what it led to is its cost still.
        let late = RunCost(createdAt: 0, starts: Self.starts, end: 140, since: 80)
        #expect(late.starts.map(\.nodes) == [["b"]])
        #expect(late.total.productive == 30 && late.total.repeated == 0)
        #expect(late.interruptions.map(\.account.handOver) == [20] && late.interruptions[0].account.load == 3)
        #expect(RunCost(createdAt: 0, starts: Self.starts, end: 140, since: 120).interruptions.isEmpty)
    }

    @Test func anInterruptionCostsWhatItMadeNecessary() throws {
        let cost = RunCost(createdAt: 0, starts: Self.starts, end: 140)
        let interruption = try #require(cost.interruptions.first)
        #expect(cost.interruptions.count == 1)
        #expect(interruption.cause == "preempted" && interruption.nodes == ["a"])
        var expected = TimeAccount()
        expected.repeated = 23
        expected.handOver = 30
        expected.start = 1
        expected.load = 3
        #expect(interruption.account == expected)
    }

    @Test func aStepFarAboveTheUsualStalls() throws {
        let slow = RunCost.Start(
            startedAt: 0, endedAt: 90, outcome: nil, nodes: ["a"],
            events: [
                Self.phase(.step, at: 0), Self.step(1, at: 10, took: 10), Self.step(2, at: 20, took: 10),
                Self.step(3, at: 80, took: 60), Self.step(4, at: 90, took: 10),
            ])
        let cost = RunCost(createdAt: 0, starts: [slow], end: 90)
        #expect(cost.total.stall == 30)
        #expect(cost.total.productive == 60)
    }

    /// Two steps of 10 s, then nothing until the end at 120: three usual steps may have been under way, no more.
    @Test(arguments: ["no-progress", "node-failed", nil])
    func silenceUntilTheEndIsAStall(_ outcome: String?) throws {
        let silent = RunCost.Start(
            startedAt: 0, endedAt: 120, outcome: outcome, nodes: ["a"],
            events: [Self.phase(.step, at: 0), Self.step(1, at: 10, took: 10), Self.step(2, at: 20, took: 10)])
        let cost = RunCost(createdAt: 0, starts: [silent], end: 120)
        #expect(cost.total.productive == 20 && cost.total.repeated == 30 && cost.total.stall == 70)
        #expect(cost.total.allocated == 120)
    }

    /// Nobody knows what is usual before the first step is done; that it hung is on record.
    @Test(arguments: [(RunEvent.Phase.step, "no-progress", 95.0), (.step, "preempted", 0), (.save, "no-progress", 95)])
    func whatHungIsAStall(_ phase: RunEvent.Phase, _ outcome: String, _ stall: Double) throws {
        let hung = RunCost.Start(
            startedAt: 0, endedAt: 100, outcome: outcome, nodes: ["a"],
            events: [Self.phase(.start, at: 0), Self.phase(phase, at: 5)])
        let cost = RunCost(createdAt: 0, starts: [hung], end: 100)
        #expect(cost.total.stall == stall)
        #expect(cost.total.allocated == 100)
    }

    @Test func timeThatTheUserPausedItIsNobodysLoss() throws {
        var starts = Self.starts
        starts[0].outcome = "stopped"
        let cost = RunCost(createdAt: 0, starts: starts, end: 140)
        #expect(cost.total.handOver == 0)
        #expect(cost.interruptions.isEmpty)
    }

    @Test(arguments: [
        (CostQuery.Grouping.run, ["r"]), (.user, ["me"]), (.cause, ["preempted"]), (.node, ["a", "b"]),
    ])
    func rowsAddUpInHoursOfDevices(_ grouping: CostQuery.Grouping, _ keys: [String]) throws {
        var table = CostTable(by: grouping)
        table.add(
            RunCost(createdAt: 0, starts: Self.starts, end: 140), run: "r", name: "n", user: "me", devices: 36)
        let lines = table.lines
        #expect(lines.map(\.key).sorted() == keys)
        #expect(lines.map(\.interruptions).reduce(0, +) == 1)
        let repeated = lines.map(\.repeated).reduce(0, +)
        #expect(abs(repeated - 0.23) < 1e-9)
        if grouping != .cause { #expect(abs(lines.map(\.allocated).reduce(0, +) - 1) < 1e-9) }
    }

    @Test func aRunThatNeverStartedOnlyWaited() throws {
        let cost = RunCost(createdAt: 5, starts: [], end: 25)
        #expect(cost.total.queue == 20 && cost.total.allocated == 0)
        #expect(cost.total.effectiveRatio == 0)
    }
}
