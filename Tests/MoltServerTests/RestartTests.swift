import MoltAPI
import MoltCore
import MoltReconcile
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

/// The daemon is killed at some point and another goes on from the store, the queue and the run folders.
struct RestartTests {
    /// Covers A1.
    @Test func aRestartBeforeTheFirstTurnLosesNothing() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        try daemon.restart()
        try await daemon.pass(2)
        #expect(try await daemon.state(run) == .pending)
        #expect(await daemon.scheduler.submits == 1)
    }

    @Test func aRestartWhileTheRunIsPendingGoesOn() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        try daemon.restart()
        await daemon.scheduler.start(job)
        try daemon.claim(run, job, incarnation: 0)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .running)
        #expect(await daemon.scheduler.submits == 1)
    }

    /// Covers C1, H12.
    @Test func whatHappenedWhileNoDaemonRanIsReadFromTheFolder() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try daemon.report(run, [#"{"t":1,"kind":"step","step":1,"loss":2}"#])
        try await daemon.reconciler.followProgress()
        try daemon.restart()
        try daemon.report(run, [#"{"t":2,"kind":"step","step":2,"loss":1}"#])
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        await daemon.scheduler.forgetEverything()
        try await daemon.pass(3)
        let detail = try await daemon.detail(run)
        #expect(detail.summary.state == .finished)
        #expect(detail.summary.step == 2)
    }

    @Test func aWishSurvivesARestart() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try await daemon.act(.cancel, run)
        try daemon.restart()
        try await daemon.pass(5)
        #expect(await daemon.scheduler.log == ["cancel \(job)"])
        #expect(try await daemon.state(run) == .cancelled)
    }

    /// Covers D9.
    @Test func aPreemptionDuringARestartIsStillReleased() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.preempt(job)
        try await daemon.pass(2)
        try daemon.restart()
        await daemon.scheduler.drain(job)
        try await daemon.pass(4)
        #expect(await daemon.scheduler.log.contains("beginNow \(job)"))
        #expect(try await daemon.state(run) == .restarting)
    }
}
