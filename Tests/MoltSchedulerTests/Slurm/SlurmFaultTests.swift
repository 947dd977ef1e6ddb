import FoundationEssentials
import MoltCore
import MoltScheduler
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Slurm and the helper failing under our hands; each test has a testbed of its own.
@Suite struct SlurmFaultTests {
    private func open(_ options: [String] = []) throws -> (Testbed, SlurmScheduler, Backend) {
        let testbed = try Testbed(["--nodes", "1"] + options)
        let scheduler = try SlurmFixture.scheduler(on: testbed)
        let backend = Backend(
            kind: .slurm, scheduler: scheduler, folder: testbed.work, worker: "srun ", ownNode: nil, reserved: [],
            life: testbed)
        return (testbed, scheduler, backend)
    }

    private func failure(_ body: () async throws -> Void) async -> String {
        do {
            try await body()
            return "none"
        } catch let error as SchedulerError {
            switch error {
            case .rejected: return "rejected"
            case .later: return "later"
            case .ambiguous: return "ambiguous"
            case .unavailable: return "unavailable"
            case .notFound, .keyMismatch, .notPermitted, .wrongState: return "\(error)"
            }
        } catch {
            return "\(error)"
        }
    }

    @Test func withTheControllerDownNothingIsSent() async throws {
        let (testbed, scheduler, backend) = try open()
        let job = try await backend.submit("sleep 100")
        try await job.wait { $0.state == .running }
        try await Task.sleep(for: .seconds(6))
        try testbed.command("ctld-kill")
        #expect(await failure { _ = try await backend.submit("true") } == "unavailable")
        #expect(await failure { try await scheduler.ping() } == "unavailable")
        #expect(await failure { try await scheduler.cancel(job.job, key: job.key) } == "unavailable")
        try testbed.command("ctld-start")
        try await scheduler.ping()
        #expect(try await job.status()?.key == job.key)
        let table = try await scheduler.loadJobs()
        #expect(table.jobs.count == 1, "the refused submission left nothing behind")
    }

    @Test func aSubmissionToAStoppedControllerMayArriveLater() async throws {
        let (testbed, scheduler, backend) = try open()
        try await scheduler.ping()
        try testbed.command("ctld-stop")
        let request = backend.request("sleep 100")
        #expect(await failure { _ = try await scheduler.submit(request) } == "ambiguous")
        try testbed.command("ctld-cont")
        let arrived = try await eventually(within: 20) {
            try await scheduler.loadJobs().jobs.contains { $0.key == request.key }
        }
        #expect(arrived, "it did arrive: to send it again would have made two")
    }

    @Test func aHelperKilledInMidCallLeavesADoubtAndIsReplaced() async throws {
        let (testbed, scheduler, backend) = try open()
        try await scheduler.ping()
        let helper = try #require(await scheduler.helperProcessID)
        try testbed.command("ctld-stop")
        let request = backend.request("sleep 100")
        async let answer = failure { _ = try await scheduler.submit(request) }
        try await Task.sleep(for: .seconds(1))
        kill(helper, SIGKILL)
        #expect(await answer == "ambiguous")
        try testbed.command("ctld-cont")
        let arrived = try await eventually(within: 20) {
            try await scheduler.loadJobs().jobs.contains { $0.key == request.key }
        }
        #expect(arrived)
        #expect(await scheduler.helperProcessID != helper)
    }

    @Test func aHelperThatDiedIdleIsReplacedUnnoticed() async throws {
        let (_, scheduler, _) = try open()
        try await scheduler.ping()
        kill(try #require(await scheduler.helperProcessID), SIGKILL)
        try await Task.sleep(for: .milliseconds(200))
        try await scheduler.ping()
    }

    @Test func withoutMungeNoCallHangsForLong() async throws {
        let (testbed, scheduler, backend) = try open()
        try await scheduler.ping()
        try testbed.command("munge-kill")
        let start = ContinuousClock.now
        #expect(await failure { _ = try await backend.submit("true") } == "ambiguous")
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(await failure { _ = try await scheduler.loadJobs() } == "unavailable")
        try testbed.command("munge-start")
        try await scheduler.ping()
    }

    @Test func withoutAConfigurationTheHelperDiesAndWeDoNot() async throws {
        let (testbed, _, _) = try open()
        let helper = "\(testbed.folder)/bin/molt-slurm"
        let scheduler = SlurmScheduler(
            command: testbed.asUser([helper]),
            environment: ["SLURM_CONF": "/nonexistent/slurm.conf", "LD_LIBRARY_PATH": "\(testbed.folder)/bin"])
        let start = ContinuousClock.now
        #expect(await failure { try await scheduler.ping() } == "unavailable")
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func withoutAHelperNothingIsSent() async throws {
        let scheduler = SlurmScheduler(command: ["/nonexistent/molt-slurm"], environment: [:])
        #expect(await failure { try await scheduler.ping() } == "unavailable")
    }

    @Test func aFullQueueMeansLater() async throws {
        let (_, scheduler, backend) = try open(["--set", "MaxJobCount=2"])
        for _ in 0..<2 { _ = try await backend.submit("sleep 100") }
        #expect(await failure { _ = try await scheduler.submit(backend.request("true")) } == "later")
    }

    @Test func theSitesRequeueExitAndTimingAreRead() async throws {
        let (_, scheduler, _) = try open(["--defaults", "--set", "RequeueExit=75-77", "--set", "RequeueExitHold=80"])
        let configuration = try await scheduler.configuration()
        #expect(configuration.requeueExit == [75, 76, 77] && configuration.requeueExitHold == [80])
        #expect(configuration.requeueDelay == 121 && configuration.killWait == 30)
        #expect(configuration.version.hasPrefix("slurm 2") && configuration.controllerStartedAt != nil)
    }

    @Test func aLostAcknowledgedJobsNumberBelongsToAnother() async throws {
        let (testbed, scheduler, backend) = try open()
        _ = try await backend.submit("sleep 100") { $0.held = true }
        let lost = try await backend.submit("sleep 100") { $0.held = true }
        try testbed.command("ctld-kill")
        try testbed.command("ctld-start")
        #expect(try await scheduler.load(lost.job) == nil, "acknowledged, and gone all the same")
        var stranger: Submitted?
        for _ in 0..<5 where stranger?.job != lost.job { stranger = try await backend.submit("sleep 100") { $0.held = true } }
        let other = try #require(stranger)
        try #require(other.job == lost.job)
        await #expect(throws: SchedulerError.keyMismatch(job: lost.job)) {
            try await scheduler.cancel(lost.job, key: lost.key)
        }
        #expect(try await other.status()?.state == .pending)
    }
}
