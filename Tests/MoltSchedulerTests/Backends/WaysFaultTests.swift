import FoundationEssentials
import MoltBackends
import MoltCore
import MoltHTTP
import MoltScheduler
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Slurm failing under our hands, seen through each way to speak to it; each test has its own testbed.
@Suite struct WaysFaultTests {
    private struct Own: Sendable {
        let testbed: Testbed
        let backend: Backend
        var scheduler: any Scheduler { backend.scheduler }

        init(_ kind: BackendKind, _ options: [String] = []) async throws {
            (backend, testbed) = try await SlurmFixture.own(kind, options)
        }

        func keep() {}
    }

    /// Covers B1, X5.
    @Test(arguments: [BackendKind.slurm, .commands, .rest])
    func withTheControllerDownNothingIsSent(_ kind: BackendKind) async throws {
        let own = try await Own(kind)
        defer { own.keep() }
        let job = try await own.backend.submit("sleep 100")
        try await job.wait { $0.state == .running }
        try #require(await eventually(within: 20) { own.testbed.hasSaved(job.key.comment) })
        try await own.testbed.fault("ctld-kill")
        #expect(await failure { _ = try await own.backend.submit("true") } == "unavailable")
        #expect(await failure { try await own.scheduler.ping() } == "unavailable")
        #expect(await failure { try await own.scheduler.cancel(job.job, key: job.key) } == "unavailable")
        try await own.testbed.fault("ctld-start")
        try await own.scheduler.ping()
        #expect(try await job.status()?.key == job.key)
        let jobs = try await own.scheduler.loadJobs().jobs
        #expect(jobs.map(\.key) == [job.key], "the refused submission left nothing behind")
    }

    /// Covers A8, B4, X2.
    @Test(arguments: [BackendKind.slurm, .commands, .rest])
    func aSubmissionToAStoppedControllerMayArriveLater(_ kind: BackendKind) async throws {
        let own = try await Own(kind)
        defer { own.keep() }
        try await own.scheduler.ping()
        try await own.testbed.fault("ctld-stop")
        let request = own.backend.request("sleep 100")
        #expect(await failure { _ = try await own.scheduler.submit(request) } == "ambiguous")
        try await own.testbed.fault("ctld-cont")
        let arrived = try await eventually(within: 20) {
            try await own.scheduler.loadJobs().jobs.contains { $0.key == request.key }
        }
        #expect(arrived, "it did arrive: to send it again would have made two")
    }

    /// A second controller, while the first is dead and after it has taken over, and the first one's return. What the
    /// one in standby is asked for it refuses without doing anything: that is no answer to the question.
    ///
    /// Covers B5, X28.
    @Test(arguments: [BackendKind.slurm, .commands, .rest])
    func theSecondControllerTakesOverAndGivesBack(_ kind: BackendKind) async throws {
        let own = try await Own(kind, ["--standby"])
        defer { own.keep() }
        let job = try await own.backend.submit("sleep 300")
        try await job.wait { $0.state == .running }
        // A job's start is saved with the next submission; until then the other one would take the job for pending.
        let witness = try await own.backend.submit("true") { $0.held = true }
        try #require(await eventually(within: 20) { own.testbed.hasSaved(witness.key.comment) })
        try await own.testbed.fault("ctld-kill")
        let early = own.backend.request("sleep 300")
        #expect(await failure { _ = try await own.scheduler.submit(early) } == "unavailable")
        #expect(await failure { _ = try await own.scheduler.loadJobs() } == "unavailable")
        #expect(await failure { try await own.scheduler.cancel(job.job, key: job.key) } == "unavailable")
        try await own.testbed.fault("takeover")
        let saved = try await Set(own.scheduler.loadJobs().jobs.map(\.key))
        #expect(saved == [job.key, witness.key], "what was refused left nothing behind")
        #expect(try await job.status()?.state == .running)
        let later = own.backend.request("sleep 300")
        let second = try await own.scheduler.submit(later).job
        try #require(await eventually(within: 20) { own.testbed.hasSaved(later.key.comment) })
        try await own.testbed.fault("ctld-start")
        let isBack = await eventually(within: 60) {
            let jobs = try? await own.scheduler.loadJobs().jobs
            return jobs.map { Set($0.map(\.key)) } == saved.union([later.key])
        }
        #expect(isBack)
        try await own.scheduler.cancel(second, key: later.key)
        #expect(try await job.status()?.state == .running)
    }

    /// With PrivateData a user sees its own jobs only, and a partition may hide itself and let nobody in any more.
    ///
    /// Covers B12.
    @Test(arguments: [BackendKind.slurm, .commands])
    func whatIsHiddenIsNotMissing(_ kind: BackendKind) async throws {
        let own = try await Own(kind, ["--set", "PrivateData=jobs"])
        defer { own.keep() }
        let theirs = try await own.backend.submit("sleep 100") { $0.held = true }
        let scheduler = try await Testbed.offPool { try SlurmFixture.stranger(kind, on: own.testbed) }
        let request = own.backend.request("true") { $0.held = true }
        let mine = try await scheduler.submit(request).job
        let hide = ["scontrol", "update", "PartitionName=low", "Hidden=yes", "AllowGroups=root"]
        let hidden = try await Testbed.offPool { own.testbed.slurm(hide) }
        try #require(hidden.status == 0, "\(hidden.output)")
        #expect(try await scheduler.loadJobs().jobs.contains { $0.key == request.key })
        #expect(try await scheduler.load(mine)?.key == request.key)
        if Testbed.dropTo != nil {
            #expect(try await scheduler.loadJobs().jobs.count == 1)
            #expect(try await scheduler.load(theirs.job) == nil)
            #expect(try await scheduler.ranking(mine) == nil, "of what cannot be seen nothing is said")
        }
        try await scheduler.cancel(mine, key: request.key)
        #expect(try await own.scheduler.load(mine)?.state == .cancelled)
    }

    /// Covers A12.
    @Test(arguments: [BackendKind.slurm, .commands])
    func aFullQueueMeansLater(_ kind: BackendKind) async throws {
        let own = try await Own(kind, ["--set", "MaxJobCount=2"])
        defer { own.keep() }
        var answers: [String] = []
        for _ in 0..<3 { answers.append(await failure { _ = try await own.backend.submit("sleep 100") }) }
        #expect(answers.first == "none" && answers.last == "later", "\(answers)")
        #expect(try await own.scheduler.loadJobs().jobs.count == answers.filter { $0 == "none" }.count)
    }

    @Test func slurmrestdMayGoAndComeBack() async throws {
        let own = try await Own(.rest)
        defer { own.keep() }
        try await own.scheduler.ping()
        try await own.testbed.fault("rest-kill")
        #expect(await failure { _ = try await own.backend.submit("true") } == "unavailable")
        #expect(await failure { _ = try await own.scheduler.loadJobs() } == "unavailable")
        try await own.testbed.fault("rest-start")
        #expect(try await own.scheduler.loadJobs().jobs.isEmpty)
        try await own.testbed.fault("rest-stop")
        let request = own.backend.request("sleep 100")
        #expect(await failure { _ = try await own.scheduler.submit(request) } == "ambiguous")
        try await own.testbed.fault("rest-cont")
        let arrived = try await eventually(within: 20) {
            try await own.scheduler.loadJobs().jobs.contains { $0.key == request.key }
        }
        #expect(arrived, "it did arrive: to send it again would have made two")
    }

    @Test func withoutCommandsSlurmrestdDoesWhatItCanAndRefusesTheRest() async throws {
        let own = try await Own(.rest)
        defer { own.keep() }
        let alone = SlurmFixture.rest(on: own.testbed, hasCommands: false)
        #expect(try await alone.describe() == "v0.0.38 of slurm 22.05.8")
        let request = own.backend.request("sleep 100") { $0.held = true }
        let job = try await alone.submit(request).job
        #expect(try await alone.loadJobs().jobs.map(\.job) == [job])
        try await alone.update(job, key: request.key, change: .release)
        let runs = try await eventually(within: 20) { try await alone.load(job)?.state == .running }
        #expect(runs)
        #expect(await failure { try await alone.requeue(job, key: request.key) } == "rejected")
        #expect(await failure { try await alone.signal(job, key: request.key, signal: 10, to: .batch) } == "rejected")
        #expect(await failure { try await alone.signal(job, key: request.key, signal: 10, to: .workers) } == "rejected")
        #expect(await failure { try await alone.inject(.endOfTime, into: job, key: request.key) } == "rejected")
        let adoption = JobAdoption(job: job, name: request.name, from: request.key, to: .random())
        #expect(await failure { try await alone.adopt(adoption) } == "rejected")
        #expect(try await alone.ranking(job) == nil)
        let unharmed = try await alone.load(job)
        #expect(unharmed?.state == .running && unharmed?.restartCount == 0 && unharmed?.key == request.key)
        #expect(await failure { try await alone.signal(job, key: request.key, signal: 18, to: .all) } == "none")
        let configuration = try await alone.configuration()
        #expect(configuration.partitions.contains { $0.name == "low" && $0.isDefault && $0.preemptMode == "REQUEUE" })
        #expect(configuration.killWait == 30, "Slurm's default: the interface does not tell")
        #expect(configuration.isAssumed == true, "and that it does not, people are told")
        #expect(try await own.scheduler.configuration().isAssumed == nil)
        try await alone.cancel(job, key: request.key)
        #expect(try await alone.load(job)?.state == .cancelled)
    }

    @Test func aHostileNameSpoofsNothing() async throws {
        let own = try await Own(.commands)
        defer { own.keep() }
        let mine = try await own.backend.submit("sleep 100") { $0.held = true }
        let name = "x~\n1 ~ 1002 ~COMPLETED~\u{1B}[2J|", comment = mine.key.comment + "\nJobState=COMPLETED"
        let command = ["sbatch", "--parsable", "--hold", "-J", name, "--comment=\(comment)", "--wrap=true"]
        let other = try await Testbed.offPool { own.testbed.slurm(command) }
        try #require(other.status == 0, "\(other.output)")
        let rest = SlurmFixture.rest(on: own.testbed)
        for scheduler in [own.scheduler, rest] as [any Scheduler] {
            let jobs = try await scheduler.loadJobs().jobs
            #expect(jobs.map(\.job) == [mine.job] && jobs.first?.state == .pending)
        }
    }
}

/// Tokens, against a real slurmrestd that takes nothing else.
@Suite struct RestTokenLiveTests {
    @Test func aTokenFromScontrolOpensTheDoorAndNoJobSeesIt() async throws {
        let testbed = try await Testbed.start(["--nodes", "1", "--jwt"])
        let user = Testbed.dropTo ?? RestAccess.ownName()
        let url = String(decoding: try DurableFile.read("\(testbed.folder)/rest.url"), as: UTF8.self)
            .filter { !$0.isNewline }
        func scheduler(_ proof: RestAccess.Proof) -> RestScheduler {
            RestScheduler(
                access: RestAccess(target: .origin(url), proof: proof, user: user),
                commands: SlurmFixture.commands(on: testbed))
        }
        let fresh = scheduler(.scontrol)
        let isUp = await eventually(within: 10) { (try? await fresh.ping()) != nil }
        #expect(isUp)
        let backend = Backend(
            kind: .rest, scheduler: fresh, folder: testbed.work, worker: "srun ", ownNode: nil, reserved: [],
            life: testbed)
        let job = try await backend.submit(
            "env > $CASE.env; tr '\\0' ' ' < /proc/$PPID/cmdline >> $CASE.env; echo . >> $CASE.done; sleep 300")
        try await job.waitForNote("done")
        #expect(!job.note("env").contains("JWT") && !job.note("env").contains("eyJ"))

        let folder = TemporaryFolder("token")
        let printed = try await Testbed.offPool { testbed.slurm(["scontrol", "token", "lifespan=600"]) }
        try #require(printed.status == 0, "\(printed.output)")
        try DurableFile.write(Data(printed.output.utf8), to: folder("token"))
        chmod(folder("token"), 0o600)
        #expect(try await scheduler(.file(folder("token"))).load(job.job)?.key == job.key)
        try DurableFile.write(Data("eyJhbGciOiJIUzI1NiJ9.e30.wrong".utf8), to: folder("token"))
        chmod(folder("token"), 0o600)
        do {
            try await scheduler(.file(folder("token"))).ping()
            Issue.record("a wrong token was taken")
        } catch {
            #expect(error.kind == "unavailable")
        }
    }
}
