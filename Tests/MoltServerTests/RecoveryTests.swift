import FoundationEssentials
import MoltAPI
import MoltCore
import MoltLifecycle
import MoltReconcile
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The database is restored from a copy that is older than the run folders and the queue.
struct RecoveryTests {
    private func finish(_ daemon: TestDaemon, _ run: String, _ job: UInt32) async throws {
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .finished)
    }

    /// The copy knows the run as one that is about to be sent; since then it was sent, and it runs.
    ///
    /// Covers H3, H5, N23.
    @Test(arguments: [false, true]) func aRunThatWasSentSinceTheCopyIsNotSentAgain(_ isStarted: Bool) async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        try await daemon.backUp()
        try await daemon.pass(1)
        let job = try #require(try await daemon.detail(run).attempts.last?.jobID)
        if isStarted {
            await daemon.scheduler.start(job)
            try daemon.claim(run, job, incarnation: 0)
        }
        #expect(try await daemon.restartDamaged() == [run])
        try await daemon.pass(3)
        #expect(try await daemon.detail(run).attempts.last?.jobID == job)
        #expect(try await daemon.state(run) == (isStarted ? .running : .pending))
        if !isStarted {
            await daemon.scheduler.start(job)
            try daemon.claim(run, job, incarnation: 0)
            try await daemon.pass(3)
        }
        try await finish(daemon, run, job)
        #expect(await daemon.scheduler.submits == 1)
        let kinds = try await daemon.store.read { try $0.events(run, after: 0, limit: 100) }.map(\.kind)
        #expect(kinds.contains("restored") && kinds.contains("recovered"))
    }

    /// The copy was made between the intent and the answer: what it holds for unsent was sent.
    ///
    /// Covers H5.
    @Test func anIntentOfTheCopyIsLookedUpBeforeItIsSent() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        await daemon.scheduler.next(.fail(.later(message: "the queue is full")))
        try await daemon.pass(1)
        #expect(try await daemon.detail(run).attempts.last?.jobID == nil)
        try await daemon.backUp()
        try await daemon.pass(20)
        let job = try #require(try await daemon.detail(run).attempts.last?.jobID)
        let sent = await daemon.scheduler.submits
        #expect(try await daemon.restartDamaged() == [run])
        try await daemon.pass(400, step: 2)
        #expect(try await daemon.detail(run).attempts.last?.jobID == job)
        #expect(await daemon.scheduler.submits == sent)
    }

    /// Covers H5.
    @Test func anAttemptThatIsNewerThanTheCopyIsTheOneThatCounts() async throws {
        let daemon = try TestDaemon()
        let (run, first) = try await daemon.running()
        try await daemon.backUp()
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        await daemon.scheduler.end(first, .failed, status: 75)
        try await daemon.pass(10)
        let second = try #require(try await daemon.detail(run).attempts.last?.jobID)
        #expect(second != first)
        #expect(try await daemon.restartDamaged() == [run])
        try await daemon.pass(5)
        let attempts = try await daemon.detail(run).attempts
        #expect(attempts.map(\.number) == [1, 2] && attempts.last?.jobID == second)
        #expect(await daemon.scheduler.submits == 2)
        await daemon.scheduler.start(second)
        try daemon.claim(run, second, incarnation: 0)
        try await daemon.pass(3)
        try await finish(daemon, run, second)
    }

    /// Covers H5, N23.
    @Test func runsThatTheCopyDoesNotKnowAreFoundByTheirFolders() async throws {
        let daemon = try TestDaemon()
        let (old, _) = try await daemon.running()
        try await daemon.backUp()
        daemon.clock.advance(5)
        let (live, job) = try await daemon.running()
        let (done, doneJob) = try await daemon.running()
        try await finish(daemon, done, doneJob)
        let token = AttemptKey.random().rawValue
        let request = TestDaemon.request(try TestDaemon.recipe("unsent"), token: token, held: true)
        let unsent = try await daemon.service.submit(request).id
        let submits = await daemon.scheduler.submits
        #expect(Set(try await daemon.restartDamaged()) == [live, done, unsent])
        try await daemon.pass(5)
        #expect(try await daemon.state(old) == .running)
        #expect(try await daemon.state(live) == .running)
        #expect(try await daemon.detail(live).attempts.last?.jobID == job)
        #expect(try await daemon.state(done) == .finished)
        #expect(try await daemon.state(unsent) == .held)
        // Whoever did not hear the answer and asks again gets the same run.
        #expect(try await daemon.service.submit(request).id == unsent)
        #expect(await daemon.scheduler.submits == submits)
        try await daemon.act(.release, unsent)
        try await daemon.pass(2)
        #expect(await daemon.scheduler.submits == submits + 1)
    }

    /// Covers H3, H5.
    @Test func withoutAnyDatabaseTheFoldersTellAsMuchAsTheyCan() async throws {
        let daemon = try TestDaemon()
        let (live, job) = try await daemon.running()
        let (done, doneJob) = try await daemon.running()
        try await finish(daemon, done, doneJob)
        let (stopped, stoppedJob) = try await daemon.running()
        let (again, againJob) = try await daemon.running()
        try daemon.leaveReceipt(stopped, code: 75, signal: 15)
        await daemon.scheduler.forget(stoppedJob)
        try daemon.leaveReceipt(again, code: 75, signal: 15)
        daemon.clock.advance(3 * 86400)
        try daemon.store.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: daemon.folder.path)
        where name.hasPrefix("molt.sqlite") {
            try FileManager.default.removeItem(atPath: daemon.folder(name))
        }
        #expect(Set(try await daemon.restartRestoring()) == [live, done, stopped, again])
        let submits = await daemon.scheduler.submits
        try await daemon.pass(60)
        #expect(try await daemon.detail(live).attempts.last?.jobID == job)
        #expect(try await daemon.state(live) == .running)
        #expect(try await daemon.state(done) == .finished)
        #expect(try await daemon.state(stopped) == .held, "nobody knows whether its user ended it")
        let told = try await daemon.store.read { try $0.dueNotifications(now: .infinity, limit: 16) }
        #expect(told.filter { $0.occasion == "stuck" }.map(\.run) == [stopped])
        // Its receipt is that of an incarnation after which Slurm put the same job back.
        #expect(try await daemon.detail(again).attempts.last?.jobID == againJob)
        #expect(await daemon.scheduler.submits == submits)
        #expect(await daemon.scheduler.log.allSatisfy { !$0.hasPrefix("cancel") })
    }

    /// Its user may have cancelled it since the copy was made, and Slurm has purged it.
    ///
    /// Covers H5.
    @Test(arguments: [false, true]) func aFoundRunWithoutAJobIsNotSentAgainByItself(_ wasClaimed: Bool) async throws {
        let daemon = try TestDaemon()
        _ = try await daemon.running()
        try await daemon.backUp()
        let (run, job) = try await wasClaimed ? daemon.running() : daemon.submitted()
        await daemon.scheduler.forget(job)
        #expect(try await daemon.restartDamaged() == [run])
        let submits = await daemon.scheduler.submits
        try await daemon.pass(600, step: 2)
        #expect(try await daemon.state(run) == (wasClaimed ? .held : .stuck))
        #expect(await daemon.scheduler.submits == submits)
        try await daemon.act(wasClaimed ? .release : .resume, run)
        try await daemon.pass(40)
        #expect(await daemon.scheduler.submits == submits + 1)
    }

    /// Covers H5.
    @Test func whatBelongsToAnotherHomeIsLeftAlone() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        let folder = RunFolder(path: daemon.folder("runs/\(run)"))
        var plan = try JSONFile.read(LaunchPlan.self, from: folder.launchPlan(attempt: 1))
        plan.daemonFile = "/home/other/.molt/daemon.json"
        try JSONFile.write(plan, to: folder.launchPlan(attempt: 1))
        try daemon.store.close()
        for name in try FileManager.default.contentsOfDirectory(atPath: daemon.folder.path)
        where name.hasPrefix("molt.sqlite") {
            try FileManager.default.removeItem(atPath: daemon.folder(name))
        }
        #expect(try await daemon.restartRestoring().isEmpty)
    }

    /// The copy knows it as running; since then its user has cancelled it, and Slurm has purged the job.
    ///
    /// Covers H5.
    @Test(arguments: [nil, 15] as [Int32?])
    func aRunCancelledSinceTheCopyIsNotSentAgain(_ signal: Int32?) async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try await daemon.backUp()
        if let signal { try daemon.leaveReceipt(run, code: 75, signal: signal) }
        await daemon.scheduler.forget(job)
        #expect(try await daemon.restartDamaged().isEmpty)
        try await daemon.pass(600, step: 2)
        #expect(try await daemon.state(run) == .held)
        #expect(await daemon.scheduler.submits == 1)
        let told = try await daemon.store.read { try $0.dueNotifications(now: .infinity, limit: 16) }
        #expect(told.map(\.occasion) == ["stuck"])
        try await daemon.act(.release, run)
        try await daemon.pass(40)
        #expect(await daemon.scheduler.submits == 2)
    }

    /// Covers H5.
    @Test func aDeathBeforeTheFoldersWereReadLeavesThatToTheNextDaemon() async throws {
        let daemon = try TestDaemon()
        _ = try await daemon.running()
        try await daemon.backUp()
        let (run, job) = try await daemon.running()
        try daemon.overwriteDatabase()
        // It restores the copy and dies.
        try daemon.openRestored().close()
        #expect(try await daemon.restartRestoring() == [run])
        try await daemon.pass(5)
        #expect(try await daemon.detail(run).attempts.last?.jobID == job)
        try daemon.store.close()
        #expect(try await daemon.restartRestoring().isEmpty)
    }

    /// Covers H5.
    @Test func withoutTheRunFoldersARestoredDaemonDoesNotStart() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        try await daemon.backUp()
        try FileManager.default.moveItem(atPath: daemon.folder("runs"), toPath: daemon.folder("away"))
        await #expect(throws: UserError.self) { try await daemon.restartDamaged() }
        try FileManager.default.moveItem(atPath: daemon.folder("away"), toPath: daemon.folder("runs"))
        #expect(try await daemon.restartRestoring().isEmpty)
        try await daemon.pass(5)
        #expect(try await daemon.state(run) == .running)
    }

    /// A client's second try of a request made a second folder.
    ///
    /// Covers H5.
    @Test func ofTwoFoldersOfOneRequestOneRunIsFound() async throws {
        let daemon = try TestDaemon()
        _ = try await daemon.running()
        try await daemon.backUp()
        daemon.clock.advance(5)
        let token = AttemptKey.random().rawValue
        let request = TestDaemon.request(try TestDaemon.recipe("twice"), token: token, held: true)
        let run = try await daemon.service.submit(request).id
        let other = RunID.random().rawValue
        try FileManager.default.copyItem(
            atPath: daemon.folder("runs/\(run)"), toPath: daemon.folder("runs/\(other)"))
        #expect(try await daemon.restartDamaged().count == 1)
    }

    /// Covers H5.
    @Test func aFolderThatOthersMayWriteIsNotTakenForOurs() async throws {
        let daemon = try TestDaemon()
        _ = try await daemon.running()
        try await daemon.backUp()
        daemon.clock.advance(5)
        let (run, _) = try await daemon.running()
        chmod(daemon.folder("runs/\(run)"), 0o777)
        #expect(try await daemon.restartDamaged().isEmpty)
    }

    /// Covers H5.
    @Test func aRunThatWasRemovedSinceTheCopyIsNotBroughtBack() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        try await daemon.backUp()
        try await daemon.act(.cancel, run)
        try await daemon.pass(5)
        try await daemon.service.remove(run)
        await daemon.scheduler.forget(job)
        #expect(try await daemon.restartDamaged() == [run])
        try await daemon.pass(400, step: 2)
        #expect(try await daemon.state(run) == .held)
        #expect(await daemon.scheduler.submits == 1)
    }

    /// An ordinary start finds nothing new, and what was not sent goes out at once.
    @Test func withASoundDatabaseNothingIsFound() async throws {
        let daemon = try TestDaemon()
        _ = try await daemon.running()
        let run = try await daemon.submit()
        await daemon.scheduler.next(.fail(.later(message: "the queue is full")))
        try await daemon.pass(1)
        try daemon.store.close()
        #expect(try await daemon.restartRestoring().isEmpty)
        try await daemon.pass(20)
        #expect(try await daemon.state(run) == .pending)
    }
}
