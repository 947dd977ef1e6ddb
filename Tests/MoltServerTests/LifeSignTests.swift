import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

/// Jobs whose molt-job falls silent while the scheduler calls them running.
struct LifeSignTests {
    /// A process of another host, which cannot be looked at from here.
    private static let elsewhere = ProcessIdentity(bootID: "another host", pid: 1, startTicks: 1)

    /// Covers D4.
    @Test func aSilentJobIsReplacedWithinTwoSignsAndALook() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(process: Self.elsewhere)
        var sign = try daemon.sign(run)
        for _ in 0..<10 {
            try sign.give()
            try await daemon.pass(SignOfLife.interval)
        }
        #expect(try await daemon.state(run) == .running)
        #expect(await !daemon.scheduler.log.contains("cancel \(job)"))
        try await daemon.pass(SignOfLife.silenceMax - SignOfLife.interval - 2)
        #expect(await !daemon.scheduler.log.contains("cancel \(job)"), "one missed sign proves nothing")
        try await daemon.pass(6)
        #expect(await daemon.scheduler.log.contains("cancel \(job)"))
        await daemon.scheduler.end(job, .cancelled)
        try await daemon.pass(10)
        #expect(try await daemon.attempts(run) == 2)
        #expect(try await daemon.detail(run).attempts.first?.incarnations.first?.outcome == "lost")
    }

    @Test func theLogOfASilentJobTellsWhatSilencedIt() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(process: Self.elsewhere)
        var sign = try daemon.sign(run)
        try sign.give()
        try daemon.leaveLog(run, "OSError: [Errno 116] Stale file handle: '/shared/data'")
        try await daemon.pass(SignOfLife.silenceMax + 20)
        #expect(await daemon.scheduler.log.contains("cancel \(job)"))
        let start = try await daemon.detail(run).attempts.first?.incarnations.first
        #expect(start?.outcome == "storage-fault", "\(String(describing: start))")
        #expect(start?.reason?.contains("Stale file handle") == true)
    }

    @Test func aJobThatCanBeSeenToLiveIsLeftAlone() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(process: .current())
        var sign = try daemon.sign(run)
        try sign.give()
        try await daemon.pass(200)
        #expect(try await daemon.state(run) == .running)
        #expect(await !daemon.scheduler.log.contains("cancel \(job)"))
    }

    @Test func aJobThatNeverGaveASignIsLeftAlone() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(process: Self.elsewhere)
        try await daemon.pass(200)
        #expect(try await daemon.state(run) == .running)
        #expect(await !daemon.scheduler.log.contains("cancel \(job)"))
    }

    /// The daemon's own host slept for a night: the jobs' first sign is yet to be read.
    ///
    /// Covers G3.
    @Test func aPauseOfOurOwnIsNotTheirs() throws {
        let folder = TemporaryFolder("signs"), run = RunID.random()
        var signs = LifeSigns(), sign = SignOfLife(incarnationFolder: folder.path)
        func silence(_ now: Double) -> Double {
            signs.silence(of: run, incarnationFolder: folder.path, claim: nil, now: now)
        }
        try sign.give()
        #expect(silence(0) == 0)
        #expect(silence(5) == 5)
        #expect(silence(40_005) <= SignOfLife.silenceMax)
        try sign.give()
        #expect(silence(40_007) == 0)
        #expect(silence(40_000) == 0, "a clock that was set back")
    }

    /// Slow controllers are asked once a minute; the signs are read by themselves meanwhile.
    ///
    /// Covers D4.
    @Test func rareQuestionsDoNotMakeAJobLookAlive() throws {
        let folder = TemporaryFolder("signs"), run = RunID.random()
        var signs = LifeSigns(), sign = SignOfLife(incarnationFolder: folder.path)
        func silence(_ now: Double) -> Double {
            signs.silence(of: run, incarnationFolder: folder.path, claim: nil, now: now)
        }
        signs.glance(at: run, now: 0)
        try sign.give()
        #expect(silence(0) == 0)
        for second in 1..<60 { signs.glance(at: run, now: Double(second)) }
        #expect(silence(60) == 60)
        try sign.give()
        for second in 61..<70 { signs.glance(at: run, now: Double(second)) }
        #expect(silence(70) < SignOfLife.interval, "it gave a sign at the first glance after the minute")
    }

    /// When it goes on, the scheduler says so before molt-job has had a moment to give its next sign.
    ///
    /// Covers D11.
    @Test func aSuspendedJobIsNotCancelledWhenItGoesOn() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running(process: Self.elsewhere)
        var sign = try daemon.sign(run)
        try sign.give()
        try await daemon.pass(SignOfLife.interval)
        await daemon.scheduler.change(job) { $0.state = .suspended }
        try await daemon.pass(300)
        let told = try await daemon.service.explain(run).waiting
        #expect(told?.code == "Suspended" && told?.since == nil, "it is not in the queue: \(String(describing: told))")
        await daemon.scheduler.change(job) { $0.state = .running }
        try await daemon.pass(SignOfLife.interval)
        #expect(try await daemon.state(run) == .running)
        #expect(await !daemon.scheduler.log.contains("cancel \(job)"))
        try await daemon.pass(SignOfLife.silenceMax + 20)
        #expect(await daemon.scheduler.log.contains("cancel \(job)"), "what never gives one again is dead")
    }

    /// Covers D11.
    @Test func timeInWhichTheJobWasSuspendedIsNoSilence() throws {
        let folder = TemporaryFolder("signs"), run = RunID.random()
        var signs = LifeSigns(), sign = SignOfLife(incarnationFolder: folder.path)
        func silence(_ now: Double, isStopped: Bool = false) -> Double {
            signs.silence(
                of: run, incarnationFolder: folder.path, claim: nil, isStopped: isStopped, now: now)
        }
        try sign.give()
        #expect(silence(0) == 0)
        #expect(silence(8) == 8)
        for second in 9..<200 { #expect(silence(Double(second), isStopped: true) == 0) }
        for second in 200..<300 { signs.glance(at: run, now: Double(second)) }
        #expect(silence(300) == 0, "what happened since the last look, nobody knows")
        #expect(silence(310) == 10)
    }

    /// Covers G3.
    @Test func aNewIncarnationBeginsAnew() throws {
        let first = TemporaryFolder("first"), second = TemporaryFolder("second"), run = RunID.random()
        var signs = LifeSigns()
        for folder in [first, second] {
            var sign = SignOfLife(incarnationFolder: folder.path)
            try sign.give()
        }
        _ = signs.silence(of: run, incarnationFolder: first.path, claim: nil, now: 0)
        #expect(signs.silence(of: run, incarnationFolder: first.path, claim: nil, now: 10) == 10)
        #expect(signs.silence(of: run, incarnationFolder: second.path, claim: nil, now: 20) == 0)
    }
}
