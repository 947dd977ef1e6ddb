import MoltCore
import MoltJob
import Testing

/// When silence is a hang: the watch as a value, with a clock of its own.
struct ProgressWatchTests {
    private static func step(_ number: Int, seconds: Double? = nil) -> RunEvent {
        var event = RunEvent(.step, at: 0, step: number)
        event.seconds = seconds
        return event
    }

    private static func phase(_ phase: RunEvent.Phase) -> RunEvent {
        var event = RunEvent(.phase, at: 0)
        event.phase = phase
        return event
    }

    /// Looks each second from `start`, and returns the second of the first complaint.
    private static func hang(_ watch: inout ProgressWatch, from start: Double, until end: Double) -> Double? {
        stride(from: start, through: end, by: 1).first { watch.look(now: $0) != nil }
    }

    @Test func eachPhaseHasItsBudget() {
        var watch = ProgressWatch(silence: [.start: 10, .step: 2], now: 0)
        for second in 1...10 { #expect(watch.look(now: Double(second)) == nil) }
        #expect(watch.look(now: 11)?.contains("'start'") == true)
        watch.handle(Self.step(5), now: 11)
        #expect(watch.lastStep == 5)
        #expect(watch.look(now: 12) == nil)
        #expect(watch.look(now: 14)?.contains("'step'") == true)
        watch.handle(Self.phase(.evaluate), now: 14)
        for second in 15...400 { #expect(watch.look(now: Double(second)) == nil, "no budget, no hang") }
    }

    /// Covers I2.
    @Test(arguments: RunEvent.Phase.allCases)
    func everyPhaseThatLastsTooLongIsAHang(_ phase: RunEvent.Phase) throws {
        let budget = try #require(Patience().phases[phase])
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        watch.handle(Self.phase(phase), now: 0)
        #expect(Self.hang(&watch, from: 1, until: 4000) == budget + 1)
    }

    /// Three times the slowest of a hundred steps, and no less than a minute.
    @Test(arguments: [(0.01, 60), (5, 60), (20, 60), (21, 63), (100, 300)])
    func aStepMayTakeThreeTimesAsLongAsTheSlowOnes(_ seconds: Double, _ bound: Double) {
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        for number in 1...50 {
            watch.handle(Self.step(number, seconds: seconds), now: Double(number))
            #expect(watch.look(now: Double(number)) == nil)
        }
        #expect(watch.budget?.seconds == bound)
        #expect(Self.hang(&watch, from: 51, until: 1000) == 51 + bound)
    }

    @Test func oneOutlierInAThousandChangesNothing() {
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        for number in 1...1000 { watch.handle(Self.step(number, seconds: number == 500 ? 3600 : 30), now: 0) }
        #expect(watch.budget?.seconds == 90)
    }

    @Test func beforeTheFirstStepItsOwnBudgetHolds() {
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        watch.handle(Self.phase(.step), now: 0)
        #expect(watch.budget?.seconds == 600)
        watch.handle(Self.step(1, seconds: 70), now: 70)
        #expect(watch.budget?.seconds == 210)
    }

    /// While rank 0 writes a checkpoint the others wait for it in their step.
    @Test func theRankThatMayTakeLongestDecides() {
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        for rank in 0..<4 { watch.handle(Self.phase(.step), rank: rank, now: 0) }
        watch.handle(Self.step(1, seconds: 1), rank: 0, now: 1)
        watch.handle(Self.phase(.save), rank: 0, now: 2)
        watch.handle(Self.phase(.step), rank: 3, now: 2)
        #expect(watch.budget?.phase == .save)
        watch.handle(Self.phase(.step), rank: 0, now: 900)
        #expect(watch.budget?.seconds == 60)
    }

    @Test func theSameStepAgainIsNoProgress() {
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        watch.handle(Self.step(7, seconds: 1), now: 0)
        var found: Double?
        for second in 1...100 where found == nil {
            watch.handle(Self.step(7, seconds: 1), now: Double(second))
            if watch.look(now: Double(second)) != nil { found = Double(second) }
        }
        #expect(found == 61)
    }

    @Test func aRollBackIsProgress() {
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        watch.handle(Self.step(7, seconds: 1), now: 0)
        watch.handle(Self.step(5, seconds: 1), now: 50)
        #expect(watch.look(now: 100) == nil || watch.budget?.seconds != 60)
        #expect(watch.lastStep == 7)
    }

    /// A program that reports nothing but steps may be saving or evaluating in between.
    @Test func aForeignProgramIsNotTakenAtItsUsualPace() {
        var watch = ProgressWatch(silence: Patience().foreignPhases, isForeign: true, now: 0)
        #expect(Self.hang(&watch, from: 1, until: 20_000) == nil, "it never said a word")
        for number in 1...50 { watch.handle(Self.step(number), now: 20_000 + Double(number)) }
        #expect(watch.budget?.seconds == 7200)
        watch.handle(Self.phase(.save), now: 20_060)
        #expect(watch.budget?.seconds == 1800)
        watch.handle(Self.step(51), now: 20_070)
        #expect(watch.budget?.seconds == 60, "it tells its phases apart")
    }

    @Test func timeThatWePassedStoppedDoesNotCount() {
        var watch = ProgressWatch(silence: [.start: 10], now: 0)
        #expect(watch.look(now: 1) == nil)
        #expect(watch.look(now: 500) == nil)
        for second in 501...510 { #expect(watch.look(now: Double(second)) == nil) }
        #expect(watch.look(now: 511) != nil)
    }

    /// Covers D11.
    @Test func timeInWhichTheWorkersWereStoppedDoesNotCountAndTeachesNothing() {
        var watch = ProgressWatch(silence: Patience().phases, now: 0)
        for number in 1...20 { watch.handle(Self.step(number, seconds: 1), now: Double(number)) }
        for second in 21...4000 {
            watch.suspended(now: Double(second))
            #expect(watch.look(now: Double(second)) == nil)
        }
        #expect(watch.look(now: 4004) == nil)
        watch.handle(Self.step(21, seconds: 3980), now: 4005)
        #expect(watch.budget?.seconds == 60, "a step that was suspended is not a slow one")
        #expect(Self.hang(&watch, from: 4006, until: 4200) == 4066)
    }
}

/// Whose the run is, as a value.
struct FenceWatchTests {
    private static let gone = FileError("read folder", "/run/epochs", code: 116)

    @Test func aHigherEpochEndsIt() {
        var fence = FenceWatch(epoch: 3, lease: 30, now: 0)
        #expect(!fence.isDue(now: 4) && fence.isDue(now: 5))
        #expect(fence.look(.success(3), now: 5) == .owner)
        #expect(fence.look(.success(4), now: 10) == .fenced(epoch: 4))
    }

    /// A stale file handle, or a folder without our own claim.
    @Test(arguments: [Result<Int, FileError>.failure(gone), .success(0), .success(2)])
    func whoCannotTellStopsAfterTheLease(_ seen: Result<Int, FileError>) {
        var fence = FenceWatch(epoch: 3, lease: 30, now: 0)
        #expect(fence.look(.success(3), now: 5) == .owner)
        for second in stride(from: 10.0, through: 35, by: 5) { #expect(fence.look(seen, now: second) == .owner) }
        guard case .cutOff(let text) = fence.look(seen, now: 40) else {
            Issue.record("goes on without the run folder")
            return
        }
        #expect(text.contains("35 s"))
    }

    @Test func oneGoodLookRenewsTheLease() {
        var fence = FenceWatch(epoch: 3, lease: 30, now: 0)
        for second in stride(from: 5.0, through: 600, by: 5) {
            let seen: Result<Int, FileError> = Int(second) % 25 == 0 ? .success(3) : .failure(Self.gone)
            #expect(fence.look(seen, now: second) == .owner)
        }
    }

    @Test func whoWasStoppedLooksBeforeItGivesUp() {
        var fence = FenceWatch(epoch: 3, lease: 30, now: 0)
        #expect(fence.look(.failure(Self.gone), now: 5000) == .owner)
        #expect(fence.look(.success(4), now: 5005) == .fenced(epoch: 4))
    }
}
