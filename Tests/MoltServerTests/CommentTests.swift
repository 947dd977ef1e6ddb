import MoltAPI
import MoltCore
import MoltScheduler
import MoltServer
import MoltStore
import Testing

/// A job's comment is anybody's to write: a run must not be made twice because somebody did.
struct CommentTests {
    private func told(_ daemon: TestDaemon, _ run: String) async throws -> [String] {
        try await daemon.store.read { try $0.events(run, after: 0, limit: 200) }
            .filter { $0.kind == "comment-changed" }.map(\.message)
    }

    /// Covers C5.
    @Test(arguments: ["mine", "", "molt:1:0"])
    func aRunningJobWhoseCommentChangesStaysTheRuns(_ comment: String) async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.change(job) { $0.comment = comment }
        try await daemon.pass(120)
        #expect(try await daemon.state(run) == .running)
        #expect(try await daemon.attempts(run) == 1)
        #expect(await daemon.scheduler.submits == 1)
        #expect(
            try await told(daemon, run)
                == ["the site or somebody wrote over the comment of job 1; Molt knows it by its name"])
        try await daemon.act(.cancel, run)
        try await daemon.pass(5)
        #expect(await daemon.scheduler.log.contains("cancel \(job)"), "what is cancelled ends")
        #expect(try await daemon.state(run) == .cancelled)
    }

    /// Covers A15, C5.
    @Test func aSiteThatWritesEachCommentGetsEachJobOnce() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.rewrite { $0.comment = "project 7" }
        let (run, job) = try await daemon.submitted()
        try await daemon.pass(120)
        #expect(await daemon.scheduler.submits == 1)
        #expect(try await daemon.state(run) == .pending)
        await daemon.scheduler.start(job)
        try daemon.claim(run, job, incarnation: 0)
        try await daemon.pass(60)
        await daemon.scheduler.preempt(job)
        try await daemon.pass(3)
        await daemon.scheduler.drain(job)
        try await daemon.pass(5)
        #expect(await daemon.scheduler.log.contains("beginNow \(job)"), "it is let go as any other")
        #expect(try await daemon.attempts(run) == 1)
    }

    /// Covers A8, C5.
    @Test func aLostAnswerOfSuchASiteIsFoundByName() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.rewrite { $0.comment = "project 7" }
        await daemon.scheduler.next(.loseAnswer)
        let run = try await daemon.submit()
        try await daemon.pass(400)
        #expect(await daemon.scheduler.submits == 1)
        #expect(try await daemon.detail(run).attempts.last?.jobID == 1)
    }

    /// Nothing is left that says whose it is: it is its owner's, and the run goes on without it. The claim keeps them
    /// apart.
    ///
    /// Covers C7.
    @Test func aJobWithNeitherNameNorCommentIsLeftAlone() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.change(job) {
            $0.comment = "mine"
            $0.name = "mine"
        }
        try await daemon.pass(60)
        #expect(try await daemon.attempts(run) == 2)
        try await daemon.act(.cancel, run)
        try await daemon.pass(20)
        #expect(await daemon.scheduler.log == ["cancel 2"])
        #expect(await daemon.scheduler.jobs[job]?.state == .running)
    }

    /// Covers C8.
    @Test func aCopyWithAnotherCommentIsACopy() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        let copy = await daemon.scheduler.copy(job)
        await daemon.scheduler.change(copy) { $0.comment = "my own try" }
        try await daemon.pass(60)
        #expect(await daemon.scheduler.log == ["cancel \(copy)"])
        #expect(try await daemon.state(run) == .running)
        #expect(try await daemon.attempts(run) == 1)
    }

    /// Covers X11.
    @Test func aCancelledJobThatLivesAgainUnderAnotherCommentIsEnded() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.change(job) { $0.comment = "" }
        try await daemon.act(.cancel, run)
        try await daemon.pass(10)
        #expect(try await daemon.state(run) == .cancelled)
        // Somebody else's run keeps the loop looking.
        _ = try await daemon.submitted()
        await daemon.scheduler.resurrect(job)
        try await daemon.pass(10)
        #expect(await daemon.scheduler.log == ["cancel \(job)", "cancel \(job)"])
    }

    @Test(arguments: ["train.2024110512", "x.0123456789"])
    func aJobWhoseNameOnlyLooksLikeOursIsNotTouched(_ name: String) async throws {
        let daemon = try TestDaemon()
        let other = await daemon.scheduler.addHandWritten(name)
        _ = try await daemon.running()
        try await daemon.pass(20)
        #expect(await daemon.scheduler.log.isEmpty)
        #expect(await daemon.scheduler.jobs[other]?.state == .running)
    }
}
