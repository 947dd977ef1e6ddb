import FoundationEssentials
import MoltAPI
import MoltCore
import MoltReconcile
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

/// Exactly one job an attempt, whatever is lost on the way.
struct SubmissionTests {
    /// Covers A8, A9b.
    @Test func anAnswerThatIsLostIsFoundByItsKey() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.next(.loseAnswer)
        let run = try await daemon.submit()
        try await daemon.pass(400, step: 1)
        #expect(await daemon.scheduler.submits == 1)
        #expect(try await daemon.detail(run).attempts.map(\.jobID) == [1])
    }

    /// Covers A4.
    @Test func aSubmissionThatNeverArrivedIsSentAgainAfterItCannotArriveAnyMore() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.next(.fail(.ambiguous(message: "reset")))
        let run = try await daemon.submit()
        try await daemon.pass(290, step: 1)
        #expect(await daemon.scheduler.submits == 1)
        try await daemon.pass(20, step: 1)
        #expect(await daemon.scheduler.submits == 2)
        #expect(try await daemon.attempts(run) == 1)
    }

    /// The controller restarts so many seconds after the call failed; by then its buffers are gone, unless they are
    /// handed on.
    ///
    /// Covers A9.
    @Test(arguments: [
        ("slurm 22.05.8", 3.0, true), ("slurm 23.02.7", 3.0, true), ("slurm 23.11.4", 3.0, false),
        ("slurm 24.05.0", 3.0, false), ("slurm 22.05.8", -3.0, false), ("slurm 22.05.8", 0.0, false),
        ("another 22.05.8", 3.0, false),
    ])
    func aControllerThatStartedAfterwardsCannotHaveTheRequest(
        _ version: String, _ after: Double, _ isSentAgain: Bool
    ) async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.next(.fail(.ambiguous(message: "reset")))
        if after < 0 { await daemon.scheduler.restart(version: version) }
        daemon.clock.advance(max(0, -after))
        let run = try await daemon.submit()
        try await daemon.pass(0.5)
        #expect(await daemon.scheduler.submits == 1)
        if after >= 0 {
            try await daemon.pass(after)
            await daemon.scheduler.restart(version: version)
        }
        try await daemon.pass(20)
        #expect(await daemon.scheduler.submits == (isSentAgain ? 2 : 1))
        try await daemon.pass(290, step: 10)
        #expect(await daemon.scheduler.submits == 2)
        #expect(try await daemon.attempts(run) == 1)
    }

    @Test func aDaemonThatDidNotSeeTheCallFailWaitsWhateverTheControllerSays() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.next(.fail(.ambiguous(message: "reset")))
        _ = try await daemon.submit()
        try await daemon.pass(1)
        try daemon.restart()
        try await daemon.pass(3)
        await daemon.scheduler.restart(version: "slurm 22.05.8")
        try await daemon.pass(200, step: 10)
        #expect(await daemon.scheduler.submits == 1)
        try await daemon.pass(110, step: 10)
        #expect(await daemon.scheduler.submits == 2)
    }

    /// Covers A10, A11.
    @Test func anAcknowledgedJobThatTheControllerLostIsSentAgainAndItsIDIsNotTouched() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.next(.loseJob)
        let run = try await daemon.submit()
        _ = try await daemon.reconciler.cycle()
        let stranger = await daemon.scheduler.addStranger()
        try await daemon.pass(5)
        let detail = try await daemon.detail(run)
        #expect(detail.attempts.count == 1)
        #expect(detail.attempts.first?.jobID != stranger)
        #expect(await daemon.scheduler.submits == 2)
        try await daemon.act(.cancel, run)
        try await daemon.pass(5)
        #expect(await daemon.scheduler.jobs[stranger]?.state == .running)
        #expect(try await daemon.state(run) == .cancelled)
    }

    /// Covers A13.
    @Test func aRefusalEndsTheRunWithItsReason() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.next(.fail(.rejected(code: 2000, message: "invalid account")))
        let run = try await daemon.submit()
        try await daemon.pass(60)
        #expect(try await daemon.state(run) == .failed)
        #expect(try await daemon.detail(run).summary.lastError?.contains("invalid account") == true)
        #expect(await daemon.scheduler.submits == 1)
    }

    /// Covers A12.
    @Test func aFullQueueIsTriedAgainLater() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.next(.fail(.later(message: "queue full")))
        let run = try await daemon.submit()
        try await daemon.pass(2)
        #expect(try await daemon.state(run) == .queued)
        try await daemon.pass(30)
        #expect(try await daemon.state(run) == .pending)
    }

    /// As while a partition is drained for maintenance: it waits, says why, and asks ever more rarely.
    ///
    /// Covers A12, A16.
    @Test func aRunWaitsForASiteThatTakesNothingNow() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.refuse(.later(message: "Required partition not available (inactive or drain)"))
        let run = try await daemon.submit()
        try await daemon.pass(3600, step: 5)
        #expect(try await daemon.state(run) == .queued)
        let reason = try await daemon.detail(run).summary.pendingReason
        #expect(reason?.contains("inactive or drain") == true)
        let asked = await daemon.scheduler.submits
        #expect((14...28).contains(asked), "\(asked) in an hour")
        await daemon.scheduler.refuse(nil)
        try await daemon.pass(310, step: 5)
        #expect(try await daemon.state(run) == .pending)
        #expect(await daemon.scheduler.submits == asked + 1)
    }

    /// A token proves a request for as long as it lives; a controller that is new does not change that.
    ///
    /// Covers A8.
    @Test(arguments: [nil, 1800, 4000] as [Double?])
    func aRequestWithATokenIsWaitedForAsLongAsTheTokenLives(_ life: Double?) async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.prove(for: life)
        await daemon.scheduler.next(.fail(.ambiguous(message: "timed out")))
        let run = try await daemon.submit()
        try await daemon.pass((life ?? 300) - 30, step: 5)
        #expect(await daemon.scheduler.submits == 1)
        try await daemon.pass(60, step: 5)
        #expect(await daemon.scheduler.submits == 2)
        #expect(try await daemon.state(run) == .pending)
    }

    /// Covers A6, A17.
    @Test func theSameRequestAHundredTimesIsOneRun() async throws {
        let daemon = try TestDaemon()
        let request = TestDaemon.request(try TestDaemon.recipe())
        let service = daemon.service
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<100 { group.addTask { try await service.submit(request).id } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(ids.count == 1)
        let folders = try FileManager.default.contentsOfDirectory(atPath: daemon.folder("runs"))
        #expect(folders == Array(ids), "the losers' folders are gone")
        try await daemon.pass(5)
        #expect(await daemon.scheduler.submits == 1)
    }

    @Test func aTokenCannotBeUsedForSomethingElse() async throws {
        let daemon = try TestDaemon()
        let token = AttemptKey.random().rawValue
        _ = try await daemon.service.submit(TestDaemon.request(try TestDaemon.recipe("a"), token: token))
        await #expect(throws: APIError.self) {
            try await daemon.service.submit(TestDaemon.request(try TestDaemon.recipe("b"), token: token))
        }
    }

    @Test func codesThatTheSiteTakesForItsOwnAreRemapped() async throws {
        let daemon = try TestDaemon()
        await daemon.scheduler.requeueOn([75, 78])
        let (run, job) = try await daemon.submitted()
        let (_, attempt) = try daemon.key(run)
        let path = RunFolder(path: "\(daemon.folder("runs"))/\(run)").launchPlan(attempt: attempt)
        let codes = try JSONFile.read(LaunchPlan.self, from: path).exitCodes
        let replacement = try #require(codes[78])
        #expect(Set(codes.keys) == [75, 78] && ![75, 78].contains(replacement))
        await daemon.scheduler.start(job)
        try daemon.claim(run, job, incarnation: 0)
        try await daemon.pass(2)
        await daemon.scheduler.end(job, .failed, status: replacement)
        try await daemon.pass(20)
        #expect(try await daemon.state(run) == .failed, "the remapped 78 still means: stop and tell")
    }

    @Test(arguments: [
        ("resources.partition", "nowhere", 1, 0, nil), ("resources.partition", "down", 1, 0, nil),
        ("resources.gpus_per_node", "low", 1, 8, nil), ("resources.nodes", "low", 3, 4, nil),
        ("resources.time", "low", 1, 0, 7200.0),
    ])
    func whatTheSiteCannotGiveIsSaidAtOnce(
        _ place: String, _ partition: String, _ nodes: Int, _ gpus: Int, _ time: Double?
    ) async throws {
        let daemon = try TestDaemon()
        let recipe = try TestDaemon.recipe {
            $0.resources.partition = partition
            $0.resources.nodes = nodes
            $0.resources.gpusPerNode = gpus
            $0.resources.time = time
        }
        let request = TestDaemon.request(recipe)
        do throws(APIError) {
            _ = try await daemon.service.submit(request)
            Issue.record("it was accepted")
        } catch {
            #expect(error.code == .invalid)
            #expect(error.location == place)
            #expect(error.fix != nil)
        }
        #expect((try? FileManager.default.contentsOfDirectory(atPath: daemon.folder("runs"))) ?? [] == [])
    }

    /// Covers J4.
    @Test(arguments: [
        "../evil", "a\"b", "a\nb", "$(id)", "🦀", "", ".hidden", "-rf", String(repeating: "x", count: 65),
    ])
    func aNameThatCouldHarmIsRefused(_ name: String) async throws {
        let daemon = try TestDaemon()
        await #expect(throws: APIError.self) {
            try await daemon.service.submit(TestDaemon.request(try TestDaemon.recipe(name)))
        }
    }

    @Test func aFolderThatCannotBeWrittenIsSaid() async throws {
        let daemon = try TestDaemon()
        // A file where the folder of run folders should be: root may write anything, so permissions prove nothing.
        try DurableFile.write(Data(), to: daemon.folder("runs"))
        let request = TestDaemon.request(try TestDaemon.recipe())
        do throws(APIError) {
            _ = try await daemon.service.submit(request)
            Issue.record("it was accepted")
        } catch {
            #expect(error.location?.hasPrefix(daemon.folder("runs")) == true)
        }
        #expect(try await daemon.service.list(RunQuery()).total == 0)
    }
}
