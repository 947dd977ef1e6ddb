import MoltAPI
import MoltCore
import MoltReconcile
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltStore
import MoltTesting
import Testing

/// The loop against a cluster that does what the test says.
struct ReconcileTests {
    /// A preparation that is interrupted again and again has no checkpoint: its units are what it has advanced by. So
    /// are the texts of a generation, and the reports of an evaluation.
    @Test(
        arguments: [
            (.prepare, 3), (.command, 3), (.pretrain, nil), (.generate, 3), (.evaluate, 3), (.convert, nil),
        ] as [(Recipe.TaskKind, Int?)])
    func whatStepsAreDoneForGoodDependsOnTheTask(task: Recipe.TaskKind, committed: Int?) async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running { recipe in
            recipe.task = task
            recipe.command = task == .command ? recipe.command : nil
            recipe.data = DataSection(train: ["/data"])
            recipe.prepare = task == .prepare ? PrepareSection(out: "/out") : nil
        }
        try daemon.report(run, [#"{"t":1,"kind":"step","step":3,"steps":9}"#])
        try await daemon.reconciler.followProgress()
        let id = try #require(RunID(rawValue: run))
        let record = try await daemon.store.read { try $0.run(id) }
        #expect(record?.step == 3)
        #expect(record?.committedStep == committed)
    }

    @Test func aRunIsSubmittedStartedAndFinished() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try daemon.report(run, [#"{"t":1,"kind":"step","step":3,"steps":9,"loss":1.5,"tokens_per_second":100}"#])
        try await daemon.reconciler.followProgress()
        let detail = try await daemon.detail(run)
        #expect(detail.summary.step == 3 && detail.summary.loss == 1.5)
        #expect(detail.attempts.first?.incarnations.first?.epoch == 1)
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .finished)
        #expect(await daemon.scheduler.submits == 1)
    }

    /// Covers D9.
    @Test func aPreemptedRunIsReleasedAndGoesOn() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.preempt(job)
        try daemon.leaveReceipt(run, code: 75, signal: 15)
        try await daemon.pass(4)
        #expect(await !daemon.scheduler.log.contains("beginNow \(job)"), "not while its processes are ending")
        #expect(try await daemon.state(run) == .restarting)
        await daemon.scheduler.drain(job)
        try await daemon.pass(3)
        #expect(await daemon.scheduler.log.contains("beginNow \(job)"))
        await daemon.scheduler.start(job)
        try daemon.claim(run, job, incarnation: 1)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .running)
        let incarnations = try await daemon.detail(run).attempts.flatMap(\.incarnations)
        #expect(incarnations.map(\.outcome) == ["preempted", nil])
        #expect(incarnations.map(\.epoch) == [1, 2])
    }

    /// Looks at the one job must not make the scheduler's clock run ahead, whole looks being rare.
    @Test(arguments: [1...2, 30...60] as [ClosedRange<Double>])
    func aSilentNodeKeepsARequeuedJobBack(_ poll: ClosedRange<Double>) async throws {
        let daemon = try TestDaemon(poll: poll)
        let (_, job) = try await daemon.running()
        await daemon.scheduler.preempt(job)
        await daemon.scheduler.silence(["n1"])
        try await daemon.pass(poll.upperBound)
        await daemon.scheduler.drain(job)
        try await daemon.pass(100)
        #expect(await !daemon.scheduler.log.contains("beginNow \(job)"))
        await daemon.scheduler.silence([])
        try await daemon.pass(5)
        #expect(await daemon.scheduler.log.contains("beginNow \(job)"))
    }

    /// Covers D23.
    @Test func anUnfitNodeIsExcludedFromTheNextAttempt() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try daemon.leaveReceipt(run, code: 77, unfit: ["n1"])
        await daemon.scheduler.end(job, .failed, status: 77)
        try await daemon.pass(4)
        #expect(try await daemon.attempts(run) == 2)
        let second = try #require(try await daemon.detail(run).attempts.last?.jobID)
        #expect(await daemon.scheduler.requests[second]?.excludedNodes == ["n1"])
    }

    /// Covers D1.
    @Test func crashesEndTheRunWithinItsBudget() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit { $0.policy.maxCrashes = 3 }
        for _ in 1...3 {
            try await daemon.pass(30)
            let job = try #require(try await daemon.detail(run).attempts.last?.jobID)
            await daemon.scheduler.start(job)
            try daemon.claim(run, job, incarnation: 0)
            try await daemon.pass(2)
            try daemon.leaveReceipt(run, code: 1)
            await daemon.scheduler.end(job, .failed, status: 1)
        }
        try await daemon.pass(60)
        #expect(try await daemon.state(run) == .failed)
        #expect(try await daemon.attempts(run) == 3)
        #expect(try await daemon.detail(run).summary.lastError?.contains("3 crashes") == true)
    }

    /// Covers D26.
    @Test func aJobCancelledFromOutsideStaysCancelled() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        await daemon.scheduler.cancelFromOutside(job)
        try await daemon.pass(60)
        #expect(try await daemon.state(run) == .cancelled)
        #expect(await daemon.scheduler.submits == 1)
    }

    /// Covers B1.
    @Test func anOutageInventsNothing() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        let seen = try await daemon.detail(run).summary.asOf
        await daemon.scheduler.goAway()
        try await daemon.pass(600, step: 5)
        let during = try await daemon.detail(run)
        #expect(during.summary.state == .running)
        #expect(try #require(during.summary.asOf) < seen.map { $0 + 30 } ?? 0, "the view says how old it is")
        await daemon.scheduler.comeBack()
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(70, step: 5)
        #expect(try await daemon.state(run) == .finished)
    }

    /// Covers B6.
    @Test func aControllerThatForgotEverythingGetsANewAttempt() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        await daemon.scheduler.forgetEverything()
        try await daemon.pass(10)
        #expect(try await daemon.attempts(run) == 1, "not at once: its processes may still be ending")
        try await daemon.pass(40)
        #expect(try await daemon.attempts(run) == 2)
    }

    /// Covers C1.
    @Test func aForgottenRunThatWasDoneIsNotRunAgain() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.forgetEverything()
        try await daemon.pass(60)
        #expect(try await daemon.state(run) == .finished)
        #expect(await daemon.scheduler.submits == 1)
    }

    /// Covers C8.
    @Test func ofTwoJobsWithOneKeyTheOneThatOwnsTheRunIsFollowed() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        let copy = await daemon.scheduler.copy(job)
        try await daemon.pass(5)
        #expect(await daemon.scheduler.jobs[copy]?.state == .cancelled, "the claim decides between the living")
        let second = await daemon.scheduler.copy(job)
        await daemon.scheduler.end(job, .failed, status: 1)
        try await daemon.pass(5)
        #expect(await daemon.scheduler.jobs[second]?.state == .cancelled, "nor does a copy undo the owner's end")
        try await daemon.pass(60)
        #expect(try await daemon.attempts(run) == 2)
    }

    /// A controller that dies may forget the end of a job, and anybody can put an ended one back into the queue.
    ///
    /// Covers X11.
    @Test func aJobOfAnAttemptThatIsOverIsEndedWhenItLivesAgain() async throws {
        let daemon = try TestDaemon()
        let (done, old) = try await daemon.running()
        try daemon.leaveReceipt(done, code: 0)
        await daemon.scheduler.end(old, .complete)
        try await daemon.pass(5)
        let (_, current) = try await daemon.running()
        await daemon.scheduler.resurrect(old)
        try await daemon.pass(5)
        #expect(await daemon.scheduler.jobs[old]?.state == .cancelled)
        #expect(await daemon.scheduler.jobs[current]?.state == .running)
        #expect(try await daemon.state(done) == .finished)
    }

    @Test func nothingIsAskedOfTheSchedulerWhenNothingIsActive() async throws {
        let daemon = try TestDaemon()
        #expect(try await daemon.reconciler.cycle() == nil)
        let (run, job) = try await daemon.running()
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(5)
        let loads = await daemon.scheduler.loads
        try await daemon.pass(60)
        #expect(await daemon.scheduler.loads == loads)
    }

    /// Covers B3.
    @Test(arguments: [(0.1, 5.0), (0.5, 25), (2, 60), (30, 60)])
    func aSlowSchedulerIsAskedMoreRarely(_ cost: Double, _ pause: Double) async throws {
        let daemon = try TestDaemon(poll: 1...60)
        let run = try await daemon.submit()
        try await daemon.pass(5)
        await daemon.scheduler.takeTime(cost)
        // The first slow look comes at the old pace.
        let early = await daemon.scheduler.loads
        while await daemon.scheduler.loads == early { try await daemon.pass(0.5) }
        let before = await daemon.scheduler.loads, began = daemon.clock.now()
        while await daemon.scheduler.loads < before + 4 { try await daemon.pass(0.5) }
        let between = (daemon.clock.now() - began) / 4
        #expect(between >= pause && between < pause + cost + 2, "\(between) s")
        #expect(try await daemon.state(run) == .pending)
    }

    @Test(arguments: [1, 40])
    func theLoadOnTheSchedulerDoesNotGrowWithTheRuns(_ count: Int) async throws {
        let daemon = try TestDaemon()
        for _ in 0..<count { _ = try await daemon.submit() }
        try await daemon.pass(5)
        let before = await daemon.scheduler.loads
        try await daemon.pass(20, step: 0.25)
        let looks = await daemon.scheduler.loads - before
        #expect((18...21).contains(looks), "one look an interval of one second: \(looks)")
    }
}
