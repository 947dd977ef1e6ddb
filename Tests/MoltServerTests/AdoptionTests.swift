import FoundationEssentials
import Logging
import MoltAPI
import MoltCore
import MoltRecipe
import MoltScheduler
import MoltServer
import MoltTesting
import Testing

/// Jobs that somebody wrote by hand, and what Molt does for them.
struct AdoptionTests {
    private let daemon: TestDaemon
    private let site: Site

    init() throws {
        daemon = try TestDaemon()
        site = Site(name: "bed", kind: .slurm, prefix: "/opt/molt", runs: daemon.folder("runs"))
    }

    private func write(
        _ job: UInt32, _ name: String, _ fields: String, incarnation: Int = 0, run: String = "support-bot"
    ) throws {
        let folder = RunFolder(path: "\(daemon.folder("runs"))/\(run)")
            .pluginRecords(jobID: job, incarnation: incarnation)
        try DurableFile.makeFolder(folder)
        let line = "{\"version\":1,\"host\":\"n1\",\"job\":\(job),\"incarnation\":\(incarnation),"
            + "\"startedAt\":\(daemon.clock.now())\(fields.isEmpty ? "" : "," + fields)}\n"
        try DurableFile.write(Data(line.utf8), to: "\(folder)/\(name)")
    }

    private func scan() async { await AdoptionScan(service: daemon.service, logger: Logger(label: "t")).look(at: site) }

    private func runs() async throws -> [RunSummary] { try await daemon.service.list(RunQuery()).runs }

    /// A job that runs, and the run that it has become.
    private func adopted(_ fields: String = "\"nodes\":1,\"batch\":true") async throws -> (run: String, job: UInt32) {
        let job = await daemon.scheduler.addHandWritten()
        try write(job, "adopted.json", fields)
        await scan()
        try await daemon.pass(3)
        return (try #require(try await runs().first?.id), job)
    }

    /// The plugin has claimed it, and the checkpoints of the job's own program bear it.
    @Test func theEpochOfAStartIsTheOneThatItClaimed() async throws {
        let (run, job) = try await adopted("\"nodes\":1,\"batch\":true,\"epoch\":7")
        try write(job, "progress-0-0.jsonl", "\"step\":3")
        try write(job, "end.json", "\"status\":0,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        let starts = try await daemon.detail(run).attempts.flatMap(\.incarnations)
        #expect(starts.map(\.epoch) == [7])
        #expect(starts.map(\.lastStep) == [3], "its steps are its own")
    }

    /// Covers C5.
    @Test func aCommentThatIsWrittenOverIsPutBack() async throws {
        let (run, job) = try await adopted()
        let key = await daemon.scheduler.jobs[job]?.key
        await daemon.scheduler.change(job) { $0.comment = "mine again" }
        try await daemon.pass(60)
        #expect(await daemon.scheduler.jobs[job]?.key == key)
        #expect(try await daemon.state(run) == .running)
        #expect(try await daemon.attempts(run) == 1)
        // Another job of the same name under its number is not the run's.
        await daemon.scheduler.change(job) {
            $0.comment = ""
            $0.startedAt = 5
        }
        try await daemon.pass(60)
        #expect(await daemon.scheduler.jobs[job]?.key == nil)
    }

    @Test func aJobThatAskedForARunIsOneAttemptThroughAPreemptionToItsEnd() async throws {
        let (run, job) = try await adopted()
        await scan()
        #expect(try await runs().map(\.name) == ["support-bot"])
        #expect(try await daemon.state(run) == .running)
        #expect(await daemon.scheduler.jobs[job]?.key != nil, "it carries our key by now")
        await daemon.scheduler.preempt(job)
        try await daemon.pass(2)
        try write(job, "end.json", "\"signal\":15,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.drain(job)
        try await daemon.pass(4)
        #expect(await daemon.scheduler.log.contains("beginNow \(job)"))
        await daemon.scheduler.start(job)
        try write(job, "adopted.json", "", incarnation: 1)
        try write(job, "progress-0-0.jsonl", "\"step\":41", incarnation: 1)
        try await daemon.pass(3)
        await scan()
        try write(job, "end.json", "\"status\":0,\"endedAt\":\(daemon.clock.now())", incarnation: 1)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        let detail = try await daemon.detail(run)
        #expect(detail.summary.state == .finished && detail.summary.step == 41)
        #expect(detail.attempts.map(\.jobID) == [job])
        #expect(detail.attempts.flatMap(\.incarnations).map(\.outcome) == ["preempted", "finished"])
        #expect(try await runs().count == 1)
        #expect(await daemon.scheduler.submits == 0)
    }

    @Test func whatFailsIsNotStartedAgainUnasked() async throws {
        let (run, job) = try await adopted()
        try write(job, "end.json", "\"status\":3,\"endedAt\":\(daemon.clock.now())")
        try write(job, "step-0.rank-1.json", "\"step\":0,\"rank\":1,\"signal\":11,\"endedAt\":1.0")
        await daemon.scheduler.end(job, .failed, status: 3)
        try await daemon.pass(30)
        let detail = try await daemon.detail(run)
        #expect(detail.summary.state == .failed && detail.attempts.count == 1)
        #expect(detail.summary.lastError?.contains("rank 1 on n1") == true, "\(detail.summary.lastError ?? "")")
        try await daemon.act(.resume, run)
        try await daemon.pass(3)
        #expect(await daemon.scheduler.log.contains("put back \(job)"))
        #expect(try await daemon.detail(run).attempts.map(\.jobID) == [job, job])
    }

    @Test func whatItsScriptWroteIsItsLogAndTellsTheCause() async throws {
        let job = await daemon.scheduler.addHandWritten(output: daemon.folder("train.out"))
        try write(job, "adopted.json", "")
        await scan()
        try await daemon.pass(3)
        let run = try #require(try await runs().first?.id)
        let text = "step 4\ntorch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n"
        try DurableFile.write(Data(text.utf8), to: daemon.folder("train.out"))
        #expect(try await daemon.service.log(run, LogQuery()).text == text)
        try write(job, "end.json", "\"status\":1,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.end(job, .failed, status: 1)
        try await daemon.pass(5)
        let attempt = try await daemon.detail(run).attempts.first
        #expect(attempt?.outcome == "out-of-gpu-memory", "\(String(describing: attempt))")
    }

    @Test func aRankThatThePluginEndedForItsSilenceIsNoCrash() async throws {
        let (run, job) = try await adopted()
        try write(job, "hang-0.rank-1.json", "\"step\":0,\"rank\":1,\"problem\":\"no progress for 600 s\"")
        try write(job, "step-0.rank-1.json", "\"step\":0,\"rank\":1,\"signal\":15,\"endedAt\":1.0")
        try write(job, "end.json", "\"status\":143,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.end(job, .failed, status: 143)
        try await daemon.pass(5)
        let attempt = try await daemon.detail(run).attempts.first
        #expect(attempt?.outcome == "no-progress")
        #expect(attempt?.reason?.hasPrefix("rank 1 on n1: no progress for 600 s") == true, "\(attempt?.reason ?? "")")
    }

    /// What the ranks of a script left that ended with status 0, by step and rank, and what is told of it. A step that
    /// the script tried again does not count.
    static let hidden: [(records: [String: String], outcome: String, told: String)] = [
        (["step-0.rank-1": "\"signal\":9"], "crashed", "status 0, but rank 1 on n1 ended with signal 9"),
        (["step-0.rank-0": "\"status\":3"], "crashed", "rank 0 on n1 ended with status 3"),
        // In its grace time Slurm lets a job end by itself, and calls it COMPLETED.
        (["step-0.rank-0": "\"signal\":15"], "crashed", "signal 15"),
        (["step-0.rank-0": "\"signal\":15", "step-0.rank-1": "\"status\":75"], "interrupted", "status 75"),
        (["hang-0.rank-1": "\"problem\":\"no progress for 9 s\""], "no-progress", "rank 1 on n1: no progress for 9 s"),
        (
            [
                "hang-9.rank-1": "\"problem\":\"no progress for 9 s\"", "step-9.rank-1": "\"signal\":15",
                "step-10.rank-0": "\"status\":0",
            ], "finished", "status 0"
        ),
        (["step-0.rank-0": "\"status\":0"], "finished", "status 0"),
    ]

    /// Covers D3.
    @Test(arguments: hidden)
    func aScriptThatEndsWellIsNoSuccessUnlessItsLastStepIs(
        _ records: [String: String], _ outcome: String, _ told: String
    ) async throws {
        let (run, job) = try await adopted()
        for (name, fields) in records {
            let numbers = name.split { !$0.isNumber }
            try write(job, "\(name).json", "\"step\":\(numbers[0]),\"rank\":\(numbers[1]),\(fields),\"endedAt\":1.0")
        }
        try write(job, "end.json", "\"status\":0,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(5)
        let detail = try await daemon.detail(run), attempt = try #require(detail.attempts.first)
        #expect(attempt.outcome == outcome && attempt.reason?.contains(told) == true, "\(attempt)")
        #expect((detail.summary.state == .finished) == (outcome == "finished"))
    }

    @Test func whatSaysContinueMeGoesBackIntoTheQueueUnderANewKey() async throws {
        let (run, job) = try await adopted()
        let before = await daemon.scheduler.jobs[job]?.key
        // A step that was taken: otherwise nothing says that another start would come further.
        try write(job, "progress-0-0.jsonl", "\"step\":9")
        try await daemon.pass(1)
        try write(job, "end.json", "\"status\":75,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.end(job, .failed, status: 75)
        try await daemon.pass(6)
        let status = await daemon.scheduler.jobs[job]
        #expect(status?.state == .pending && status?.key != nil && status?.key != before)
        await daemon.scheduler.start(job)
        try write(job, "adopted.json", "", incarnation: 1)
        try await daemon.pass(3)
        let detail = try await daemon.detail(run)
        #expect(detail.summary.state == .running && detail.attempts.map(\.outcome) == ["interrupted", nil])
        #expect(detail.attempts.last?.incarnations.map(\.number) == [1])
        #expect(await daemon.scheduler.log.filter { $0 == "put back \(job)" }.count == 1)
    }

    @Test func withoutThePluginNothingProvesASuccess() async throws {
        let job = await daemon.scheduler.addHandWritten(state: .pending)
        let result = try await daemon.service.adopt(AdoptRequest(job: job, site: "bed", run: nil))
        #expect(result.name == "train.sh" && result.warnings.count == 1, "its own comment is lost, and that is said")
        try await daemon.pass(2)
        await daemon.scheduler.start(job)
        try await daemon.pass(2)
        #expect(try await daemon.state(result.id) == .running)
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(15)
        #expect(try await daemon.state(result.id) == .stuck)
        await #expect(throws: APIError.self) {
            try await daemon.service.adopt(AdoptRequest(job: job, site: "bed", run: nil))
        }
    }

    @Test func aJobThatWasOverBeforeAnybodyLookedIsTold() async throws {
        for status in 0...1 {
            let job = UInt32(900 + status), run = "short\(status)"
            try write(job, "adopted.json", "", run: run)
            try write(job, "end.json", "\"status\":\(status),\"endedAt\":\(daemon.clock.now())", run: run)
        }
        await scan()
        try await daemon.pass(20)
        let runs = try await runs()
        #expect(Set(runs.map { "\($0.name) \($0.state.rawValue)" }) == ["short0 finished", "short1 failed"])
    }

    @Test func aDaemonThatDiesBetweenTakesTheJobOnce() async throws {
        let job = await daemon.scheduler.addHandWritten()
        try write(job, "adopted.json", "")
        await scan()
        try daemon.restart()
        await scan()
        try await daemon.pass(3)
        try daemon.restart()
        await scan()
        try await daemon.pass(3)
        let runs = try await runs()
        #expect(runs.count == 1 && runs.first?.state == .running && runs.first?.attempt == 1)
    }

    /// A key on what waits of an array would be on each of its members, and of jobs with one key all but one are ended.
    ///
    /// Covers D24, F4, F5.
    @Test func whatIsAPartOfSomethingIsNotTaken() async throws {
        let job = await daemon.scheduler.addHandWritten(group: 99)
        try write(job, "adopted.json", "")
        await scan()
        let error = await #expect(throws: APIError.self) {
            try await daemon.service.adopt(AdoptRequest(job: job, site: "bed", run: nil))
        }
        #expect(error?.code == .conflict && error?.what.contains("heterogeneous job 99") == true)
        try await daemon.pass(3)
        #expect(try await runs().isEmpty)
        #expect(await daemon.scheduler.jobs[job]?.comment == "mine")
    }

    @Test func nobodyElsesJobIsTaken() async throws {
        let stranger = await daemon.scheduler.addStranger()
        try write(stranger, "adopted.json", "", run: "theirs")
        let (own, ownJob) = try await daemon.running()
        try write(ownJob, "adopted.json", "", run: own)
        await scan()
        #expect(try await runs().count == (ProcessOwner.id == 1000 ? 2 : 1))
        #expect(try await daemon.detail(own).attempts.count == 1)
    }

    /// The job of the record is long gone, and another one of the user's has its number.
    ///
    /// Covers A11.
    @Test func aNumberThatWasGivenAgainIsNotTheJob() async throws {
        let job = await daemon.scheduler.addHandWritten(state: .pending)
        try write(job, "adopted.json", "")
        try write(job, "end.json", "\"status\":0,\"endedAt\":\(daemon.clock.now())")
        daemon.clock.advance(4000)
        await daemon.scheduler.start(job)
        await scan()
        try await daemon.pass(20)
        #expect(await daemon.scheduler.jobs[job]?.comment == "mine")
        #expect(try await runs().map(\.state) == [.finished], "what the record tells stays true")
    }

    @Test func aSecondJobOfOneRunWaitsForTheFirst() async throws {
        let (run, job) = try await adopted()
        let second = await daemon.scheduler.addHandWritten()
        try write(second, "adopted.json", "")
        await scan()
        try await daemon.pass(2)
        #expect(try await daemon.detail(run).attempts.map(\.jobID) == [job])
        try write(job, "end.json", "\"status\":1,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.end(job, .failed, status: 1)
        try await daemon.pass(3)
        await scan()
        try await daemon.pass(3)
        let detail = try await daemon.detail(run)
        #expect(detail.attempts.map(\.jobID) == [job, second] && detail.summary.state == .running)
    }

    /// Covers X11.
    @Test func whatTheOwnerPutsBackAfterTheEndIsLeftAlone() async throws {
        let (run, job) = try await adopted()
        try write(job, "end.json", "\"status\":0,\"endedAt\":\(daemon.clock.now())")
        await daemon.scheduler.end(job, .complete)
        try await daemon.pass(3)
        #expect(try await daemon.state(run) == .finished)
        _ = try await daemon.running()
        await daemon.scheduler.resurrect(job)
        try await daemon.pass(10)
        #expect(await daemon.scheduler.jobs[job]?.state == .pending)
    }
}
