import FoundationEssentials
import MoltCore
import MoltJob
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The built molt-job with an `srun` that fails where the real one does.
struct SrunTests {
    @Test func aRunThroughSrunSucceeds() throws {
        let job = try JobFixture("echo hello")
        #expect(try job.runToEnd(job: 7, restart: 0, job.throughSrun()) == 0)
        #expect(job.rankLog(0) == "hello\n")
    }

    @Test func withoutAControllerNoNodeIsBlamed() throws {
        let job = try JobFixture("exit 0")
        let away = "echo 'srun: error: Unable to contact slurm controller' >&2; exit 1"
        #expect(try job.runToEnd(job: 7, restart: 0, job.throughSrun(preflight: away)) == 1)
        let receipt = try job.receipt()
        #expect(receipt.unfitNodes == nil)
        #expect(receipt.reason.contains("no node answered, and srun ended with status 1"))
        #expect(receipt.reason.contains("Unable to contact slurm controller"))
    }

    @Test func withoutSrunNoNodeIsBlamed() throws {
        let job = try JobFixture("exit 0")
        let environment = try job.throughSrun()
        chmod(job.folder("bin/srun"), 0o600)
        #expect(try job.runToEnd(job: 7, restart: 0, environment.merging(["PATH": job.folder("bin")]) { $1 }) == 1)
        #expect(try job.receipt().unfitNodes == nil)
    }

    @Test func aNodeThatIsSilentWhileAnotherAnswersIsBlamed() throws {
        let job = try JobFixture("exit 0")
        job.plan.nodes = 2
        let environment = try job.throughSrun().merging(["SLURM_JOB_NODELIST": "n[1-2]"]) { $1 }
        #expect(try job.runToEnd(job: 7, restart: 0, environment) == 77)
        #expect(try job.receipt().unfitNodes == ["n2"])
    }

    @Test(arguments: [SIGTERM, SIGUSR1])
    func aStopDuringPreflightIsAStop(_ signal: Int32) throws {
        let job = try JobFixture("echo > started")
        try job.start(job: 7, restart: 0, job.throughSrun(preflight: "echo > '\(job.folder("asked"))'; exec sleep 600"))
        #expect(job.waitFor("asked"))
        job.signal(signal)
        #expect(job.end() == 75)
        let receipt = try job.receipt()
        #expect(receipt.stopSignal == signal && receipt.unfitNodes == nil)
        #expect(access(job.folder("started"), F_OK) != 0)
    }

    @Test func aStopThatEndsThePreflightStepIsAStop() throws {
        let job = try JobFixture("exit 0")
        #expect(try job.runToEnd(job: 7, restart: 0, job.throughSrun(preflight: "kill -TERM $PPID $$")) == 75)
        #expect(try job.receipt().unfitNodes == nil)
    }

    @Test func aNodeAnswersInSpiteOfAStop() throws {
        let job = try JobFixture("exit 0")
        let plan = job.folder("plan"), output = job.folder("answer")
        try #require(mkfifo(plan, 0o600) == 0)
        let pid = try JobFixture.spawn(
            [JobFixture.build + "/molt-job", "preflight", plan], ["SLURMD_NODENAME": "n1"], output: output)
        // It waits for its plan now.
        #expect(job.poll { Self.blocks(SIGTERM, pid) })
        for signal in [SIGTERM, SIGUSR1, SIGUSR2, SIGINT] { kill(pid, signal) }
        let writer = open(plan, O_WRONLY)
        let bytes = Array(try JSONFile.encode(job.plan))
        #expect(write(writer, bytes, bytes.count) == bytes.count)
        close(writer)
        var word: Int32 = 0
        #expect(waitpid(pid, &word, 0) == pid && word == 0)
        let answers = Preflight.collect(job.text(output), hosts: ["n1"], now: 0)
        #expect(answers.map(\.problems) == [[]])
    }

    private static func blocks(_ signal: Int32, _ pid: Int32) -> Bool {
        let text = (try? DurableFile.read("/proc/\(pid)/status")).map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("SigBlk:") }),
            let set = UInt64(line.dropFirst("SigBlk:".count).filter(\.isHexDigit), radix: 16)
        else { return false }
        return set & 1 << UInt64(signal - 1) != 0
    }

    @Test func srunThatDiesOfTheStopBeforeItHasHandlersIsAStop() throws {
        let job = try JobFixture("exit 0")
        try job.start(job: 7, restart: 0, job.throughSrun(workers: "echo > '\(job.folder("ready"))'; exec sleep 600"))
        #expect(job.waitFor("ready"))
        job.signal(SIGTERM)
        #expect(job.end() == 75)
        #expect(try job.receipt().reason.contains("srun died of SIGUSR1"))
    }

    @Test func srunThatDiesUnaskedIsACrash() throws {
        let job = try JobFixture("exit 0")
        #expect(try job.runToEnd(job: 7, restart: 0, job.throughSrun(workers: "kill -USR1 $$")) == 138)
    }

    /// The watcher itself was killed and wrote nothing: the Slurm plugin, where a site has it, saw which rank that was.
    @Test(arguments: [
        (#""signal":9"#, "rank 0 on n3 was killed by SIGKILL"), (#""status":0"#, "1 of 1 ranks ended without a record"),
    ])
    func thePluginsRecordNamesTheRankButNeverSaysDone(_ what: String, _ reason: String) throws {
        let job = try JobFixture("exit 0")
        let folder = job.run.pluginRecords(jobID: 7, incarnation: 0)
        try DurableFile.makeFolder("\(job.run.path)/slurm")
        try DurableFile.makeFolder(folder)
        for (step, text) in [(1, what), (2, #""signal":11"#)] where step == 1 || what.contains("signal") {
            let record = #"{"version":1,"host":"n3","job":7,"incarnation":0,"startedAt":1.5,\#(text),"#
                + #""endedAt":2.000001,"step":\#(step),"rank":0}"#
            try DurableFile.write(Data((record + "\n").utf8), to: "\(folder)/step-\(step).rank-0.json")
        }
        #expect(try job.runToEnd(job: 7, restart: 0, job.throughSrun(workers: "exit 137")) == 137)
        let said = try job.receipt().reason
        #expect(said.contains(reason), "\(said)")
    }

    @Test func aForeignProgramThatIgnoresTheStopIsKilledAndContinued() throws {
        let job = try JobFixture("trap '' TERM; echo > ready; while :; do sleep 0.02; done")
        job.plan.isForeign = true
        job.plan.killAfter = 1
        try job.start(job: 7, restart: 0, job.throughSrun())
        #expect(job.waitFor("ready"))
        job.signal(SIGTERM)
        #expect(job.end() == 75)
        #expect(try job.receipt().reason.contains("did not end by itself in time"))
    }
}
