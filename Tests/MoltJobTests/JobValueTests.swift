import MoltCore
import MoltJob
import Testing

/// The parts of molt-job that are values: verdicts, the supervisor, the watch.
struct JobValueTests {
    static func end(_ rank: Int, _ status: Int32?, signal: Int32? = nil, at: Double = 0) -> RankEnd {
        RankEnd(rank: rank, host: "n1", status: status, signal: signal, startedAt: 0, endedAt: at)
    }

    /// Covers D3.
    @Test(arguments: [
        ([end(0, 0), end(1, 0)], [], 0, nil), ([end(0, 75), end(1, 0)], [], 75, nil),
        ([end(0, 75), end(1, 75)], [], 75, nil), ([end(0, 75), end(1, 1, at: 2)], [], 1, 1),
        ([end(0, nil, signal: 11, at: 2), end(1, 1, at: 1)], [], 1, 1),
        ([end(0, 1, at: 1), end(1, 78, at: 2)], [], 78, 1), ([end(0, 79), end(1, 78)], [], 78, 1),
        ([end(0, nil, signal: 15), end(1, 75)], [], 75, nil),
        ([end(0, nil, signal: 9, at: 1), end(1, nil, signal: 15, at: 2)], [1], 137, 0),
        ([end(0, 0)], [], 1, nil), ([end(0, 0)], [1], 0, nil),
    ] as [([RankEnd], Set<Int>, Int32, Int?)])
    func theWorstRankDecides(_ ends: [RankEnd], _ killed: Set<Int>, _ code: Int32, _ rank: Int?) {
        let verdict = Verdict.of(ends, expected: 2, killed: killed)
        #expect(verdict.code == code)
        #expect(verdict.failedRank == rank)
    }

    @Test func srunSpeaksForRanksWithoutARecord() {
        #expect(Verdict.of([Self.end(0, 0)], expected: 2, launcherCode: 143).code == 143)
        #expect(Verdict.of([], expected: 2, launcherCode: 0).code == 1)
    }

    @Test(arguments: [
        ([], 138, true, 75), ([], 143, true, 75), ([], 138, false, 138), ([], 137, true, 137),
        ([end(0, 75)], 138, true, 75), ([end(0, 0)], 138, true, 138), ([end(0, 1)], 138, true, 1),
    ] as [([RankEnd], Int32, Bool, Int32)])
    func srunDyingOfTheStopIsAStop(_ ends: [RankEnd], _ launcher: Int32, _ asked: Bool, _ code: Int32) {
        #expect(Verdict.of(ends, expected: 2, launcherCode: launcher, stopAsked: asked).code == code)
    }

    /// Covers D9.
    @Test func theStopIsPassedOnOnce() {
        var supervisor = Supervisor(stopAt: nil, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.stopAsked(signal: 15), now: 0) == [.askToStop(15)])
        #expect(supervisor.handle(.stopAsked(signal: 10), now: 1) == [])
        #expect(supervisor.handle(.tick, now: 1000) == [], "a save may take long")
        #expect(supervisor.stopSignal == 15)
    }

    /// Covers D14.
    @Test func theDeadlineStopsAndIsRemembered() {
        var supervisor = Supervisor(stopAt: 100, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.tick, now: 99) == [])
        #expect(supervisor.handle(.tick, now: 100) == [.askToStop(15)])
        #expect(supervisor.handle(.tick, now: 101) == [])
        #expect(supervisor.stopsForDeadline)
        #expect(supervisor.stopSignal == nil)
    }

    @Test func anOutsideStopBeforeTheDeadlineIsNotTheDeadlines() {
        var supervisor = Supervisor(stopAt: 100, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.stopAsked(signal: 15), now: 50) == [.askToStop(15)])
        #expect(supervisor.handle(.tick, now: 101) == [])
        #expect(!supervisor.stopsForDeadline)
    }

    @Test func aFailureTearsDownWithinTenSeconds() {
        var supervisor = Supervisor(stopAt: nil, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.rankFailed, now: 0) == [.terminate])
        #expect(supervisor.handle(.rankFailed, now: 1) == [])
        #expect(supervisor.handle(.tick, now: 4) == [])
        #expect(supervisor.handle(.tick, now: 6) == [.kill])
        #expect(supervisor.handle(.tick, now: 7) == [])
    }

    @Test func aHangIsDumpedBeforeItIsKilled() {
        var supervisor = Supervisor(stopAt: nil, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.hung("silent"), now: 0) == [.dumpStacks])
        #expect(supervisor.handle(.hung("silent"), now: 1) == [])
        #expect(supervisor.handle(.tick, now: 4) == [])
        #expect(supervisor.handle(.dumped, now: 5) == [.kill])
        #expect(supervisor.hang == "silent")
    }

    @Test func ranksWhoseStateNobodyTellsAreKilledAllTheSame() {
        var supervisor = Supervisor(stopAt: nil, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.dumped, now: 0) == [], "nothing hangs")
        #expect(supervisor.handle(.hung("silent"), now: 0) == [.dumpStacks])
        #expect(supervisor.handle(.tick, now: 20) == [])
        #expect(supervisor.handle(.tick, now: 21) == [.kill])
    }

    @Test(arguments: [Supervisor.Event.stopAsked(signal: 15), .rankFailed, .hung("x"), .tick])
    func aFenceKillsAtOnceWhateverGoesOn(_ before: Supervisor.Event) {
        var supervisor = Supervisor(stopAt: nil, killAfter: 30, killsAfterStop: false)
        _ = supervisor.handle(before, now: 0)
        #expect(supervisor.handle(.fenced(epoch: 3), now: 1) == [.kill])
        #expect(supervisor.fencedBy == 3)
        #expect(supervisor.handle(.stopAsked(signal: 15), now: 2) == [])
    }

    @Test(arguments: [Supervisor.Event.stopAsked(signal: 15), .rankFailed, .hung("x"), .tick])
    func whoIsCutOffKillsAtOnceWhateverGoesOn(_ before: Supervisor.Event) {
        var supervisor = Supervisor(stopAt: nil, killAfter: 30, killsAfterStop: false)
        _ = supervisor.handle(before, now: 0)
        #expect(supervisor.handle(.cutOff("no folder"), now: 1) == [.kill])
        #expect(supervisor.trouble == "no folder")
    }
}
