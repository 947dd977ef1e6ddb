import FoundationEssentials
import MoltAPI
import MoltCommands
import MoltCore
import Testing

/// Faults on purpose, and what is said of how a run came through.
struct DrillTests {
    private static let start = DrillStart(id: "r", name: "n", attempt: 1, incarnation: 0, step: 24, at: 100)

    /// The incarnation that was hit reached step 25; the one after it began with `first`.
    private static func run(_ state: RunState, first: Int?) -> RunDetail {
        var detail = RunDetail(
            summary: RunSummary(id: "r", name: "n", state: state, recipe: "r", site: "s", createdAt: 0),
            runFolder: "/r", workingDirectory: "/", host: "h")
        var hit = IncarnationDetail(number: 0, epoch: 1, startedAt: 50)
        hit.lastStep = 25
        var next = IncarnationDetail(number: 1, epoch: 2, startedAt: 103)
        next.firstStep = first
        detail.attempts = [AttemptDetail(number: 1, state: "claimed", incarnations: first == nil ? [hit] : [hit, next])]
        return detail
    }

    @Test(arguments: [(26, 0), (25, 1), (11, 15)])
    func stepsThatAreTakenAgainAreCounted(_ first: Int, _ repeated: Int) throws {
        let grade = try #require(DrillGrade(Self.start, .preempt, now: Self.run(.running, first: first)))
        #expect(grade.passed)
        #expect(grade.stepsRepeated == repeated)
        #expect(grade.secondsToStart == 3)
    }

    /// The step saved before the fault, the first one of the incarnation that was hit, and the first one after.
    @Test(arguments: [
        (20, 1, 21, true), (20, 1, 22, true), (20, 1, 20, false), (20, 1, 1, false), (nil, 1, 1, false),
        (nil, 1, 25, true), (nil, 11, 11, false), (nil, nil, 1, true), (nil, 24, 24, true),
    ] as [(Int?, Int?, Int, Bool)])
    func whatHadBeenSavedMustNotBeTakenAgain(_ saved: Int?, _ began: Int?, _ first: Int, _ passed: Bool) throws {
        var start = Self.start, run = Self.run(.running, first: first)
        start.savedStep = saved
        run.attempts[0].incarnations[0].firstStep = began
        let grade = try #require(DrillGrade(start, .kill, now: run))
        #expect(grade.passed == passed, "\(grade)")
        #expect(grade.verdict.contains("SAVED") == (saved != nil && !passed))
        #expect(grade.verdict.contains("NOTHING had been saved") == (saved == nil && !passed))
    }

    @Test func nothingIsSaidBeforeTheRunHasComeBackOrEnded() {
        #expect(DrillGrade(Self.start, .preempt, now: Self.run(.restarting, first: nil)) == nil)
    }

    @Test(arguments: [RunState.failed, .stuck, .cancelled])
    func aRunThatDoesNotComeBackFails(_ state: RunState) throws {
        let grade = try #require(DrillGrade(Self.start, .kill, now: Self.run(state, first: nil)))
        #expect(!grade.passed)
        #expect(grade.verdict.contains(state.rawValue))
    }

    @Test func twoJobsAtOnceAreNoSuccess() throws {
        var run = Self.run(.running, first: 26)
        run.attempts[0].incarnations[0].endedAt = 110
        let grade = try #require(DrillGrade(Self.start, .nodeFail, now: run))
        #expect(grade.isDoubled && !grade.passed)
        run.attempts[0].incarnations[0].endedAt = 101
        let good = try #require(DrillGrade(Self.start, .nodeFail, now: run))
        #expect(!good.isDoubled && good.passed && good.handOverSeconds == 2)
    }

    /// Seen at a moment, at a step; nil: not decided yet.
    @Test(arguments: [(120.0, 30, nil), (131, 24, nil), (131, 30, true)] as [(Double, Int, Bool?)])
    func anOutageIsGradedOnceTheSchedulerHasBeenSeenAgain(_ seen: Double, _ step: Int, _ passed: Bool?) {
        var start = Self.start, run = Self.run(.running, first: nil)
        start.until = 130
        run.summary.asOf = seen
        run.summary.step = step
        #expect(DrillGrade(start, .ctldOutage, now: run)?.passed == passed)
    }

    @Test func aRunThatWasStartedAgainForAnOutageFails() throws {
        var start = Self.start
        start.until = 130
        #expect(try #require(DrillGrade(start, .ctldOutage, now: Self.run(.running, first: 26))).passed == false)
    }
}
