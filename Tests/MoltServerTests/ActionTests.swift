import FoundationEssentials
import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

/// Cancel, stop, resume, hold, release, remove.
struct ActionTests {
    @Test func stoppingLeavesAFileAndASignalAndThenPauses() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try await daemon.act(.stop, run)
        #expect(try await daemon.state(run) == .stopping)
        try await daemon.pass(3)
        #expect(await daemon.scheduler.log == ["signal \(job) 15"])
        let folder = RunFolder(path: "\(daemon.folder("runs"))/\(run)")
        #expect(FileManager.default.fileExists(atPath: folder.stopRequest))
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        await daemon.scheduler.end(job, .failed, status: 75)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .paused)
        try await daemon.act(.resume, run)
        try await daemon.pass(2)
        #expect(try await daemon.attempts(run) == 2)
        #expect(!FileManager.default.fileExists(atPath: folder.stopRequest))
    }

    @Test func holdingAndReleasingReachTheQueue() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        try await daemon.act(.hold, run)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .held)
        try await daemon.act(.release, run)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .pending)
        #expect(await daemon.scheduler.log == ["hold \(job)", "release \(job)"])
    }

    /// The settings are asked for between the plan to send and the sending; the store is free meanwhile.
    @Test(arguments: [(RunAction.cancel, RunState.cancelled), (.stop, .paused), (.hold, .held)])
    func aWishTakenBackWhileTheJobIsPreparedSendsNothing(_ action: RunAction, _ state: RunState) async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        daemon.clock.advance(1000)  // what was asked at the submission is too old by now
        let service = daemon.service
        await daemon.scheduler.whileAskedForSettings {
            do {
                _ = try await service.act(action, on: run, ActionRequest())
            } catch {
                Issue.record("\(error)")
            }
        }
        try await daemon.pass(3)
        #expect(await daemon.scheduler.submits == 0)
        #expect(try await daemon.state(run) == state)
    }

    @Test func whatTheSchedulerRefusesIsToldOnce() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.submitted()
        await daemon.scheduler.refuseUpdates(.notPermitted(message: "held by an administrator"))
        try await daemon.act(.hold, run)
        try await daemon.pass(30)
        let detail = try await daemon.detail(run)
        #expect(detail.summary.lastError?.contains("held by an administrator") == true)
        let events = try await daemon.store.read { try $0.events(run, after: 0, limit: 100) }
        #expect(events.count { $0.kind == "refused" } == 1)
    }

    @Test func aRunSubmittedHeldWaitsForItsRelease() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.service.submit(TestDaemon.request(try TestDaemon.recipe(), held: true)).id
        try await daemon.pass(10)
        #expect(await daemon.scheduler.submits == 0)
        try await daemon.act(.release, run)
        try await daemon.pass(2)
        #expect(await daemon.scheduler.submits == 1)
    }

    @Test func aLiveRunIsNotRemovedAnEndedOneIsWithItsFolder() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await #expect(throws: APIError.self) { try await daemon.service.remove(run) }
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        try await daemon.service.remove(run)
        #expect(!FileManager.default.fileExists(atPath: "\(daemon.folder("runs"))/\(run)"))
        await #expect(throws: APIError.self) { try await daemon.service.detail(run) }
    }

    @Test func anUnknownRunIsNamedInTheError() async throws {
        let daemon = try TestDaemon()
        do throws(APIError) {
            _ = try await daemon.service.detail("nosuchrun")
            Issue.record("found")
        } catch {
            #expect(error.code == .notFound && error.what.contains("nosuchrun"))
        }
    }

    @Test func aReferenceThatFitsTwoRunsIsAmbiguous() async throws {
        let daemon = try TestDaemon()
        _ = try await daemon.submit()
        _ = try await daemon.submit()
        do throws(APIError) {
            _ = try await daemon.service.detail("count")
            Issue.record("found")
        } catch {
            #expect(error.code == .ambiguous)
        }
    }
}
