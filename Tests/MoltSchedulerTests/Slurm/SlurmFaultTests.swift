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
    /// A testbed of one node, and what speaks to it; a test keeps it to its end.
    private struct Own: Sendable {
        let testbed: Testbed
        let scheduler: SlurmScheduler
        let backend: Backend

        init(_ options: [String] = []) async throws {
            let testbed = try await Testbed.start(["--nodes", "1"] + options)
            let scheduler = try await Testbed.offPool { try SlurmFixture.scheduler(on: testbed) }
            self.testbed = testbed
            self.scheduler = scheduler
            backend = Backend(
                kind: .slurm, scheduler: scheduler, folder: testbed.work, worker: "srun ", ownNode: nil, reserved: [],
                life: testbed)
        }

        /// Slurm is not taken down before this line.
        func keep() {}
    }

    /// Covers A7, X3.
    @Test func aHelperKilledInMidCallLeavesADoubtAndIsReplaced() async throws {
        let own = try await Own()
        defer { own.keep() }
        try await own.scheduler.ping()
        let helper = try #require(await own.scheduler.helperProcessID)
        try await own.testbed.fault("ctld-stop")
        let request = own.backend.request("sleep 100")
        async let answer = failure { _ = try await own.scheduler.submit(request) }
        try await Task.sleep(for: .seconds(1))
        kill(helper, SIGKILL)
        #expect(await answer == "ambiguous")
        try await own.testbed.fault("ctld-cont")
        let arrived = try await eventually(within: 20) {
            try await own.scheduler.loadJobs().jobs.contains { $0.key == request.key }
        }
        #expect(arrived)
        #expect(await own.scheduler.helperProcessID != helper)
    }

    /// What it holds of the user's must not leave it: no new rights, no core dump, no file of the daemon's. Jobs are
    /// submitted as nobody but the user whose process it is.
    @Test func theHelperCannotGainRightsAndLeavesNoDump() async throws {
        let backend = try await BackendKind.slurm.open()
        let scheduler = try #require(backend.scheduler as? SlurmScheduler)
        let job = try await backend.submit("true")
        let helper = "/proc/\(try #require(await scheduler.helperProcessID))"
        func lines(_ name: String, _ mark: String) throws -> [[Substring]] {
            String(decoding: try DurableFile.read("\(helper)/\(name)"), as: UTF8.self).split(separator: "\n")
                .filter { $0.hasPrefix(mark) }.map { $0.dropFirst(mark.count).split(whereSeparator: \.isWhitespace) }
        }
        #expect(try lines("status", "NoNewPrivs:") == [["1"]])
        #expect(try lines("status", "CapEff:") == [["0000000000000000"]])
        #expect(try lines("limits", "Max core file size").first?.prefix(2) == ["0", "0"])
        let user = try #require(try lines("status", "Uid:").first?.first.flatMap { UInt32($0) })
        #expect(try await job.status()?.userID == user)
        let open = try FileManager.default.contentsOfDirectory(atPath: "\(helper)/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(helper)/fd/\($0)")
        }
        let harmless = ["socket:", "pipe:", "anon_inode:", "/dev/null"]
        #expect(open.allSatisfy { name in harmless.contains { name.hasPrefix($0) } }, "\(open)")
        await job.end()
    }

    @Test func aHelperThatDiedIdleIsReplacedUnnoticed() async throws {
        let own = try await Own()
        defer { own.keep() }
        try await own.scheduler.ping()
        kill(try #require(await own.scheduler.helperProcessID), SIGKILL)
        try await Task.sleep(for: .milliseconds(200))
        try await own.scheduler.ping()
    }

    /// Covers B8, X6.
    @Test func withoutMungeNoCallHangsForLong() async throws {
        let own = try await Own()
        defer { own.keep() }
        try await own.scheduler.ping()
        try await own.testbed.fault("munge-kill")
        let start = ContinuousClock.now
        #expect(await failure { _ = try await own.backend.submit("true") } == "ambiguous")
        #expect(ContinuousClock.now - start < .seconds(40), "libslurm itself would try for minutes")
        #expect(await failure { _ = try await own.scheduler.loadJobs() } == "unavailable")
        try await own.testbed.fault("munge-start")
        try await own.scheduler.ping()
    }

    /// Covers B9, X7.
    @Test func withoutAConfigurationTheHelperDiesAndWeDoNot() async throws {
        let own = try await Own()
        defer { own.keep() }
        let lost = SlurmScheduler(
            command: own.testbed.asUser(["\(own.testbed.folder)/bin/molt-slurm"]),
            environment: ["SLURM_CONF": "/nonexistent/slurm.conf", "LD_LIBRARY_PATH": "\(own.testbed.folder)/bin"])
        let start = ContinuousClock.now
        #expect(await failure { try await lost.ping() } == "unavailable")
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func withoutAHelperNothingIsSent() async throws {
        let lost = SlurmScheduler(command: ["/nonexistent/molt-slurm"], environment: [:])
        #expect(await failure { try await lost.ping() } == "unavailable")
    }

    @Test func theUsersOtherJobsAreNotInTheTable() async throws {
        let own = try await Own()
        defer { own.keep() }
        let job = try await own.backend.submit("sleep 100") { $0.held = true }
        let command = ["sbatch", "--parsable", "--hold", "--comment=other", "--wrap=true"]
        let other = try await Testbed.offPool { own.testbed.slurm(command) }
        try #require(other.status == 0, "\(other.output)")
        let number = try #require(UInt32(other.output.filter(\.isNumber)))
        #expect(try await own.scheduler.load(number)?.userID == job.status()?.userID)
        #expect(try await own.scheduler.loadJobs().jobs.map(\.job) == [job.job])
    }

    @Test func theSitesRequeueExitAndTimingAreRead() async throws {
        let own = try await Own(["--defaults", "--set", "RequeueExit=75-77", "--set", "RequeueExitHold=80"])
        defer { own.keep() }
        let configuration = try await own.scheduler.configuration()
        #expect(configuration.requeueExit == [75, 76, 77] && configuration.requeueExitHold == [80])
        #expect(configuration.requeueDelay == 121 && configuration.killWait == 30)
        #expect(configuration.version.hasPrefix("slurm 2") && configuration.controllerStartedAt != nil)
    }

    /// Covers A11, B7, X1.
    @Test func aLostAcknowledgedJobsNumberBelongsToAnother() async throws {
        let own = try await Own()
        defer { own.keep() }
        let lost = try await lostAndAcknowledged(own)
        try await own.testbed.fault("ctld-start")
        #expect(try await own.scheduler.load(lost.job) == nil, "acknowledged, and gone all the same")
        var stranger: Submitted?
        for _ in 0..<5 where stranger?.job != lost.job {
            stranger = try await own.backend.submit("sleep 100") { $0.held = true }
        }
        let other = try #require(stranger)
        try #require(other.job == lost.job)
        await #expect(throws: SchedulerError.keyMismatch(job: lost.job)) {
            try await own.scheduler.cancel(lost.job, key: lost.key)
        }
        #expect(try await other.status()?.state == .pending)
    }

    /// A job that Slurm took and whose controller died before it had saved it.
    ///
    /// slurmctld saves at most every five seconds. Right after one save there is time to submit and to kill, except on
    /// a machine that is too slow for it: what lies on the disk tells, and then we try again.
    private func lostAndAcknowledged(_ own: Own) async throws -> Submitted {
        for _ in 0..<5 {
            let saved = try await own.backend.submit("sleep 100") { $0.held = true }
            try #require(await eventually(within: 20) { own.testbed.hasSaved(saved.key.comment) })
            let job = try await own.backend.submit("sleep 100") { $0.held = true }
            try await own.testbed.fault("ctld-kill")
            if !own.testbed.hasSaved(job.key.comment) { return job }
            try await own.testbed.fault("ctld-start")
        }
        throw UserError("slurmctld saved each job before it could be killed")
    }
}
