import MoltAPI
import MoltCore
import MoltLifecycle
import MoltRecipe
import MoltReconcile
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

/// What the daemon tells about a run's ends, from what it recorded.
struct WhyTests {
    /// Ends the newest attempt's job with a failure of its program, whose log is `log`.
    private func fail(_ daemon: TestDaemon, _ run: String, on node: String, log: String) async throws {
        let job = try #require(try await daemon.detail(run).attempts.last?.jobID)
        await daemon.scheduler.start(job, on: [node])
        try daemon.claim(run, job, incarnation: 0)
        try await daemon.pass(2)
        try daemon.leaveLog(run, log)
        try daemon.leaveReceipt(run, code: 1)
        await daemon.scheduler.end(job, .failed, status: 1)
        try await daemon.pass(12)
    }

    @Test func causeEvidenceAndDecisionAreTold() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        try await daemon.pass(1)
        try await fail(daemon, run, on: "n1", log: "KeyError: 'input_ids'")
        let told = try await daemon.service.explain(run)
        let end = try #require(told.ends.first)
        #expect(told.ends.count == 1 && end.cause == "crashed" && end.nodes == ["n1"] && end.attempt == 1)
        #expect(end.reason.contains("its log says: KeyError: 'input_ids'"))
        #expect(end.decision == "attempt 2 follows in 5 s (crash 1 of 3 without a new checkpoint)")
        #expect(told.waiting?.code == "Resources" && told.waiting?.since != nil)
        #expect(told.next == "it starts as soon as the scheduler lets it")
    }

    @Test func aJobThatWaitsForOthersTellsWhatDecides() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        #expect(try await daemon.service.explain(run).waiting?.ranking == nil, "it waits for nodes, not for others")
        await daemon.scheduler.wait(job, for: "Priority")
        try await daemon.pass(3)
        #expect(try await daemon.service.explain(run).waiting?.ranking == [
            "its priority is 40; 3 waiting jobs have a higher one in this partition, some of them of 2 other users",
            "priority here is weighed from fair share 75 %, waiting time 25 %",
            "of its points it has 30 for fair share, 10 for waiting time",
            "your fair share stands at 0.04: 1 is for who has used nothing, 0 for who has used far more than allotted",
        ])
    }

    /// Covers D22.
    @Test func aJobWhoseEpilogDoesNotEndTellsSinceWhenItIsOver() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.running()
        try daemon.leaveReceipt(run, code: 75)
        let ended = daemon.clock.now()
        await daemon.scheduler.change(job) { status in
            (status.state, status.flags, status.endsAt) = (.failed, .completing, ended)
        }
        try await daemon.pass(100)
        let told = try await daemon.service.explain(run)
        #expect(told.waiting?.code == "Completing" && told.waiting?.endedAt == ended && told.waiting?.since == nil)
        #expect(try await daemon.attempts(run) == 1, "nothing starts before it is gone")
        await daemon.scheduler.change(job) { $0.flags = [] }
        try await daemon.pass(10)
        #expect(try await daemon.attempts(run) == 2)
    }

    @Test func aPauseOfOursIsToldWithItsEnd() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit { $0.policy.backOff = 100 }
        try await daemon.pass(1)
        try await fail(daemon, run, on: "n1", log: "KeyError: 'x'")
        let told = try await daemon.service.explain(run)
        #expect(told.state == .restarting)
        #expect(try #require(told.waiting?.beginsAt) > daemon.clock.now() + 60)
    }

    /// However often somebody asks, the controller is not.
    @Test func theLoopsLastLookIsEnough() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        await daemon.scheduler.change(job) { $0.priority = 7 }
        try await daemon.pass(3)
        let (loads, singles) = (await daemon.scheduler.loads, await daemon.scheduler.singles)
        for _ in 0..<10 {
            let waiting = try await daemon.service.explain(run).waiting
            #expect(waiting?.since != nil && waiting?.priority == 7 && waiting?.ahead == 0)
        }
        #expect(await daemon.scheduler.loads == loads)
        #expect(await daemon.scheduler.singles == singles)
    }

    /// It makes the controller read everybody's jobs.
    @Test func theStandingAmongOthersIsAskedForOnceAMinute() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        await daemon.scheduler.wait(job, for: "Priority")
        try await daemon.pass(3)
        for _ in 0..<5 { #expect(try await daemon.service.explain(run).waiting?.ranking?.isEmpty == false) }
        #expect(await daemon.scheduler.rankings == 1)
        try await daemon.pass(70, step: 5)
        #expect(try await daemon.service.explain(run).waiting?.ranking?.isEmpty == false)
        #expect(await daemon.scheduler.rankings == 2)
    }

    @Test func anOldLookAsksForTheOneJob() async throws {
        let daemon = try TestDaemon()
        let (run, job) = try await daemon.submitted()
        try await daemon.pass(3)
        let (loads, singles) = (await daemon.scheduler.loads, await daemon.scheduler.singles)
        await daemon.scheduler.change(job) { $0.priority = 9 }
        daemon.clock.advance(600)
        #expect(try await daemon.service.explain(run).waiting?.priority == 9)
        #expect(await daemon.scheduler.loads == loads)
        #expect(await daemon.scheduler.singles == singles + 1)
    }

    @Test func aSchedulerThatIsAwayIsNotAskedAndTheLastLookIsTold() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.submitted()
        try await daemon.pass(3)
        await daemon.scheduler.goAway()
        try await daemon.pass(60, step: 5)
        let singles = await daemon.scheduler.singles
        let told = try await daemon.service.explain(run)
        #expect(told.outage == "no controller" && told.waiting?.since != nil)
        #expect(await daemon.scheduler.singles == singles)
    }

    /// The helper's own deadline is ten times as long.
    @Test func aSchedulerThatDoesNotAnswerHoldsUpNobody() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.submitted()
        try await daemon.pass(3)
        await daemon.scheduler.hang()
        daemon.clock.advance(600)
        let clock = ContinuousClock(), began = clock.now
        #expect(try await daemon.service.explain(run).waiting?.since != nil)
        #expect(clock.now - began < .seconds(8))
        await daemon.scheduler.answer()
    }

    @Test func duringAnOutageTheAnswerIsAsOfTheLastLook() async throws {
        let daemon = try TestDaemon()
        let (run, _) = try await daemon.running()
        #expect(try await daemon.service.explain(run).outage == nil)
        await daemon.scheduler.goAway()
        let before = daemon.clock.now()
        try await daemon.pass(300, step: 5)
        let told = try await daemon.service.explain(run)
        #expect(told.outage == "no controller")
        #expect(try #require(told.asOf) <= before + 5)
        #expect(told.state == .running)
    }

    /// On n1 everything fails at once; its run goes round it and is done.
    ///
    /// Covers D25, N16.
    @Test func aBlackHoleNodeIsLeftOutAndTheRunFinishes() async throws {
        let daemon = try TestDaemon()
        let run = try await daemon.submit()
        try await daemon.pass(1)
        for _ in 1...2 { try await fail(daemon, run, on: "n1", log: "sh: /data/x: No such file or directory") }
        let told = try await daemon.service.explain(run)
        #expect(told.leftOut.map(\.node) == ["n1"])
        #expect(told.ends.last?.decision?.contains("without n1") == true)
        let job = try #require(try await daemon.detail(run).attempts.last?.jobID)
        #expect(await daemon.scheduler.requests[job]?.excludedNodes == ["n1"])
        await daemon.scheduler.start(job, on: ["n2"])
        try daemon.claim(run, job, incarnation: 0)
        try await daemon.pass(2)
        try daemon.leaveReceipt(run, code: 0)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .finished)
        #expect(try await daemon.attempts(run) == 3)
    }

    /// Covers D25.
    @Test func aNodeThatThreeRunsLeftOutIsEverybodysBusiness() async throws {
        let daemon = try TestDaemon()
        for count in 1...3 {
            let (run, job) = try await daemon.running()
            try daemon.leaveReceipt(run, code: 77, unfit: ["n1"])
            await daemon.scheduler.end(job, .failed, status: 77)
            try await daemon.pass(4)
            let suggestions = try await daemon.service.explain(run).suggestions
            #expect(suggestions.count == (count < 3 ? 0 : 1), "\(suggestions)")
        }
    }

    @Test func theSiteBoundsWhatARecipeMayAsk() throws {
        var recipe = Recipe(name: "x", task: .command), site = Site(name: "s", kind: .slurm, prefix: "/p", runs: "/r")
        recipe.policy.maxCrashes = 50
        recipe.policy.backOff = 1
        site.policy.maxCrashes = 4
        site.policy.backOff = 20
        site.exclude.share = 0.1
        let policy = LifecyclePolicy(recipe, site)
        #expect(policy.maxCrashes == 4 && policy.backOff == 20 && policy.exclusion.share == 0.1)
        #expect(policy.maxFaults == PolicySection().maxFaults)
    }
}
