import FoundationEssentials
import MoltCore
import MoltJob
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Who may run, and where.
struct ClaimAndPreflightTests {
    /// Covers C8.
    @Test func aSecondSubmissionOfALiveAttemptIsFencedOut() throws {
        let job = try JobFixture("echo > ready; while [ ! -e go ]; do sleep 0.02; done")
        try job.start(job: 7)
        #expect(job.waitFor("ready"))
        let twin = try JobFixture("exit 0")
        twin.plan = job.plan
        let environment = ["PATH": "/usr/bin:/bin", "SLURM_JOB_ID": "8"]
        let end = try Command.run(
            [JobFixture.build + "/molt-job", "run", job.run.path, "--attempt", "1"], environment)
        #expect(end.status == 76)
        #expect(end.output.contains("epoch 1 belongs to attempt 1, job 7"))
        try Data().write(to: URL(filePath: job.folder("go")))
        #expect(job.end() == 0)
        #expect(throws: (any Error).self) { try JSONFile.read(Claim.self, from: job.run.claim(epoch: 2)) }
    }

    /// Covers D8.
    @Test func aHigherEpochEndsTheOlderIncarnation() throws {
        let job = try JobFixture("trap '' TERM; echo > ready; while :; do sleep 0.02; done")
        try job.start()
        #expect(job.waitFor("ready"))
        var claim = try JSONFile.read(Claim.self, from: job.run.claim(epoch: 1))
        claim.epoch = 2
        claim.incarnation = 1
        try DurableFile.createExclusively(JSONFile.encode(claim), at: job.run.claim(epoch: 2))
        #expect(job.end(within: 25) == 76)
        #expect(try job.receipt().reason.contains("epoch 2"))
    }

    @Test func aRestartTakesTheNextEpoch() throws {
        let job = try JobFixture("exit 75")
        #expect(try job.runToEnd(restart: 0) == 75)
        #expect(try job.runToEnd(restart: 1) == 75)
        #expect(try JSONFile.read(Claim.self, from: job.run.claim(epoch: 2)).incarnation == 1)
        #expect(try job.receipt(incarnation: 1).epoch == 2)
    }

    /// Covers C8.
    @Test func aJobWithAnotherAttemptsKeyDoesNothing() throws {
        let job = try JobFixture("echo > ran")
        #expect(try job.runToEnd(job: 7, restart: 0, ["MOLT_KEY": AttemptKey.random().rawValue]) == 76)
        #expect(access(job.folder("ran"), F_OK) != 0)
    }

    /// Covers D23.
    @Test func anUnfitNodeIsNamed() throws {
        let job = try JobFixture("exit 0")
        job.plan.gpusPerRank = 2
        #expect(try job.runToEnd(job: 7, restart: 0, ["CUDA_VISIBLE_DEVICES": "0", "SLURMD_NODENAME": "n3"]) == 77)
        let receipt = try job.receipt()
        #expect(receipt.unfitNodes == ["n3"])
        #expect(receipt.reason.contains("n3: 1 GPUs are visible, 2 are needed"))
    }

    @Test func aMissingInstallationIsTheNodesFault() throws {
        let job = try JobFixture("exit 0")
        job.plan.prefix = "/nonexistent/molt"
        #expect(try job.runToEnd() == 77)
        #expect(try job.receipt().reason.contains("cannot execute /nonexistent/molt/bin/molt-job"))
    }

    @Test func aForeignProgramThatIsNowhereIsTheRecipesFault() throws {
        let job = try JobFixture("")
        job.plan.command = ["no-such-program-at-all"]
        job.plan.isForeign = true
        #expect(try job.runToEnd() == 78)
        #expect(try job.receipt().reason.contains("no-such-program-at-all"))
    }

    @Test func aRunFolderThatCannotBeWrittenEndsWithAReason() throws {
        let job = try JobFixture("exit 0")
        try JSONFile.write(job.plan, to: job.run.launchPlan(attempt: 1))
        try Data("in the way".utf8).write(to: URL(filePath: job.run.epochs))
        #expect(try job.runToEnd() == 74, "which may pass")
        #expect(job.text(job.folder("out")).contains("cannot use the run folder"))
    }

    @Test(arguments: [nil, "{"])
    func aLaunchPlanThatCannotBeReadIsNotTheRecipesFault(_ text: String?) throws {
        let job = try JobFixture("exit 0"), path = job.run.launchPlan(attempt: 1)
        if let text { try Data(text.utf8).write(to: URL(filePath: path)) } else { try DurableFile.makeFolder(path) }
        let end = try Command.run([JobFixture.build + "/molt-job", "run", job.run.path, "--attempt", "1"], [:])
        #expect(end.status == 74)
        #expect(end.output.contains("launch.json"))
    }

    /// Covers C8.
    @Test(arguments: [
        (nil, 1, .take(epoch: 1)), (ClaimCase(attempt: 1, job: 7, restart: 0), 2, .take(epoch: 5)),
        (ClaimCase(attempt: 3, job: 7, restart: 0), 2, nil),
        (ClaimCase(attempt: 2, job: 7, restart: 0), 2, .take(epoch: 5)),
        (ClaimCase(attempt: 2, job: 7, restart: 1), 2, nil), (ClaimCase(attempt: 2, job: 9, restart: 0), 2, nil),
        (ClaimCase(attempt: 2, job: 9, restart: 0, hasEnded: true), 2, .take(epoch: 5)),
    ] as [(ClaimCase?, Int, ClaimDecision?)])
    func whoMayOwnTheRun(_ newest: ClaimCase?, _ attempt: Int, _ expected: ClaimDecision?) throws {
        let key = AttemptKey.random()
        let claim = newest.map {
            Claim(
                key: $0.attempt == attempt ? key : .random(), epoch: 4, attempt: $0.attempt, incarnation: $0.restart,
                jobID: $0.job, host: "n1", process: .current(), claimedAt: 0)
        }
        let decision = ClaimDecision.make(
            newest: claim, hasEnded: newest?.hasEnded ?? false, key: key, attempt: attempt, jobID: 7, incarnation: 1)
        if let expected {
            #expect(decision == expected)
        } else if case .take = decision {
            Issue.record("took an epoch that belongs to \(String(describing: newest))")
        }
    }

    struct ClaimCase: Sendable {
        var attempt: Int
        var job: UInt32
        var restart: Int
        var hasEnded = false
    }

    @Test func aNodeThatDoesNotAnswerIsUnfit() throws {
        let line = #"{"clock":100,"host":"n1","problems":[],"warnings":[]}"#
        let reports = Preflight.collect("srun: noise\n" + line + "\n", hosts: ["n1", "n2"], now: 120)
        #expect(reports.map(\.host) == ["n1", "n2"])
        #expect(reports[0].warnings.count == 1, "its clock is 20 s behind")
        #expect(reports[1].problems == ["it did not answer"])
    }
}

/// A program run to its end, with what it wrote.
enum Command {
    static func run(_ arguments: [String], _ environment: [String: String]) throws -> (status: Int32, output: String) {
        let folder = TemporaryFolder("command")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, folder("out"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var argv = arguments.map { strdup($0) } + [nil]
        var envp = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer {
            argv.forEach { free($0) }
            envp.forEach { free($0) }
        }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, arguments[0], &actions, nil, &argv, &envp)
        guard code == 0 else { throw FileError("start", arguments[0], code: code) }
        var word: Int32 = 0
        waitpid(pid, &word, 0)
        let output = FileManager.default.contents(atPath: folder("out")) ?? Data()
        return ((word >> 8) & 0xff, String(decoding: output, as: UTF8.self))
    }
}
