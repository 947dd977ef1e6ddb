import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltStore
import Testing

/// Slurm may be newer than we are.
struct UnknownStateTests {
    @Test func aJobInAnUnknownStateIsThereAndAllStaysAsItIs() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.change(job) {
            $0.state = .unknown
            $0.detail = "state HIBERNATED"
        }
        try await daemon.pass(100)
        #expect(try await daemon.state(run) == .running)
        #expect(try await daemon.attempts(run) == 1)
        let site = try await daemon.service.siteStatus()
        #expect(site?.unknownStates == 1 && site?.unknownState == "state HIBERNATED")
        let notes = try await daemon.store.read { try $0.events(run, after: 0, limit: 200) }
            .filter { $0.kind == "unknown-state" }
        #expect(notes.count == 1 && notes.first?.message.contains("HIBERNATED") == true, "once is enough")
        await daemon.scheduler.end(job, .failed, status: 3)
        try daemon.leaveReceipt(run, code: 0)
        try await daemon.pass(5)
        #expect(try await daemon.state(run) == .finished)
    }

    /// It is there, so it is not sent again.
    @Test func aLostAnswerIsNotRepeatedWhileTheJobIsInAnUnknownState() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.rewrite { $0.state = .unknown }
        await daemon.scheduler.next(.loseAnswer)
        let run = try await daemon.submit()
        try await daemon.pass(700, step: 2)
        #expect(await daemon.scheduler.submits == 1)
        await daemon.scheduler.change(1) { $0.state = .pending }
        try await daemon.pass(5)
        #expect(try await daemon.state(run) == .pending)
    }
}

extension RunService {
    fileprivate func siteStatus() async throws -> DaemonStatus.SiteStatus? { try await daemonStatus().sites.first }
}
