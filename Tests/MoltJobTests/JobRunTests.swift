import FoundationEssentials
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The built molt-job with small shell programs as workers, on this machine.
struct JobRunTests {
    @Test func successLeavesAReceipt() throws {
        let job = try JobFixture("echo hello", ranks: 2)
        #expect(try job.runToEnd() == 0)
        let receipt = try job.receipt()
        #expect(receipt.exitCode == 0)
        #expect(receipt.epoch == 1)
        #expect(job.rankLog(0) == "hello\n")
        #expect(job.rankLog(1) == "hello\n")
        let claim = try JSONFile.read(Claim.self, from: job.run.claim(epoch: 1))
        #expect(claim.key == job.plan.key && claim.jobID == 7 && claim.incarnation == 0)
    }

    @Test func workersFindTheirVariables() throws {
        let job = try JobFixture(
            "printf '%s|' \"$RANK\" \"$WORLD_SIZE\" \"$LOCAL_RANK\" \"$LOCAL_WORLD_SIZE\" \"$GROUP_RANK\" "
                + "\"$MOLT_EPOCH\" \"$MOLT_RESTART\" \"$MOLT_ATTEMPT\" \"$MASTER_ADDR\" \"$FROM_RECIPE\" \"$PWD\"; "
                + "test -n \"$MASTER_PORT\" && test \"$MOLT_RUN_DIR\" = '\(RunFolder(path: "x").path)' || :; "
                + "echo '{\"step\": 12, \"loss\": 1.5}' >> \"$MOLT_PROGRESS_FILE\"", ranks: 2, attempt: 3)
        #expect(try job.runToEnd() == 0)
        let expected = "1|2|1|2|0|1|0|3|127.0.0.1|a 'b' \"c\"\nd|\(job.folder.path)|"
        #expect(job.rankLog(1) == expected)
        #expect(try job.receipt().lastStep == 12)
    }

    /// Covers I6.
    @Test func aCrashedRankEndsTheOthersAndIsNamed() throws {
        let job = try JobFixture(
            "if [ $RANK = 1 ]; then for i in $(seq 30); do echo line $i; done; kill -SEGV $$; fi; sleep 600", ranks: 3)
        let clock = ContinuousClock(), start = clock.now
        #expect(try job.runToEnd() == 139)
        #expect(clock.now - start < .seconds(10))
        let receipt = try job.receipt()
        #expect(receipt.failedRank == 1)
        #expect(receipt.reason.contains("rank 1") && receipt.reason.contains("SIGSEGV"))
        #expect(job.jobLog.contains("rank 1 | line 30"))
        #expect(job.jobLog.contains("rank 1 | line 11"))
        #expect(!job.jobLog.contains("rank 1 | line 10\n"))
    }

    /// Covers D1.
    @Test(arguments: [75, 76, 77, 78, 79, 80, 3] as [Int32])
    func whatAWorkerSaysIsPassedOn(_ code: Int32) throws {
        let job = try JobFixture("exit $(( RANK == 0 ? \(code) : 0 ))", ranks: 2)
        #expect(try job.runToEnd() == code)
        #expect(try job.receipt().exitCode == code)
    }

    /// Covers E16.
    @Test func aRankThatStillSavesIsNotKilledByAnothersContinueMe() throws {
        let job = try JobFixture(
            "if [ $RANK = 0 ]; then exit 75; fi; while [ ! -e go ]; do sleep 0.02; done; echo saved; exit 75", ranks: 2)
        try job.start()
        let record = job.run.incarnation(attempt: 1, incarnation: 0) + "/rank-0.exit.json"
        #expect(job.poll { access(record, F_OK) == 0 })
        try Data().write(to: URL(filePath: job.folder("go")))
        #expect(job.end() == 75)
        #expect(job.rankLog(1) == "saved\n")
    }

    @Test func exitCodesAreMovedOutOfTheSitesWay() throws {
        let job = try JobFixture("exit 75")
        job.plan.exitCodes = [75: 64]
        #expect(try job.runToEnd() == 64)
        #expect(try job.receipt().exitCode == 75)
    }

    /// Covers D9.
    @Test(arguments: [SIGTERM, SIGUSR1, SIGUSR2, SIGINT])
    func aStopSignalReachesTheWorkersOnce(_ signal: Int32) throws {
        let job = try JobFixture(
            "trap 'echo stop >> got; exit 75' TERM USR1 USR2 INT; echo > ready.$RANK; while :; do sleep 0.02; done",
            ranks: 2)
        try job.start()
        #expect(job.waitFor("ready.0") && job.waitFor("ready.1"))
        job.signal(signal)
        #expect(job.end() == 75)
        #expect(try job.receipt().stopSignal == signal)
        #expect(job.text(job.folder("got")) == "stop\nstop\n")
    }

    @Test func aWorkerWithoutHandlersThatDiesOfTheStopIsToBeContinued() throws {
        let job = try JobFixture("echo > ready; exec sleep 600")
        try job.start()
        #expect(job.waitFor("ready"))
        job.signal(SIGTERM)
        #expect(job.end() == 75)
    }

    @Test func theStopFileIsASignalToo() throws {
        let job = try JobFixture("trap 'exit 75' TERM; echo > ready; while :; do sleep 0.02; done")
        try job.start()
        #expect(job.waitFor("ready"))
        try Data().write(to: URL(filePath: job.run.stopRequest))
        #expect(job.end() == 75)
    }

    /// Covers D14.
    @Test func workersAreStoppedBeforeTheTimeLimit() throws {
        let job = try JobFixture("trap 'exit 75' TERM; echo > ready; while :; do sleep 0.02; done")
        job.plan.timeLimit = 3
        try job.start()
        #expect(job.end(within: 15) == 75)
        #expect(job.jobLog.contains("asking the workers to save and stop (SIGTERM)"))
    }

    @Test func aForeignProgramThatIgnoresTheStopIsKilledAndContinued() throws {
        let job = try JobFixture("trap '' TERM; echo > ready; while :; do sleep 0.02; done")
        job.plan.isForeign = true
        job.plan.killAfter = 1
        try job.start()
        #expect(job.waitFor("ready"))
        job.signal(SIGTERM)
        #expect(job.end() == 75)
    }

    /// Covers I1.
    @Test func silenceEndsWithADumpAndEighty() throws {
        let job = try JobFixture("echo '{\"kind\":\"phase\",\"phase\":\"step\"}' >> \"$MOLT_PROGRESS_FILE\"; sleep 600")
        job.plan.silence = [.step: 1]
        job.plan.stepSilence = 1
        #expect(try job.runToEnd() == 80)
        let receipt = try job.receipt()
        #expect(receipt.reason.contains("no progress") && receipt.reason.contains("'step'"))
        #expect(job.rankLog(0).contains("state of the worker") && job.rankLog(0).contains("waits in"))
    }

    /// Covers D11.
    @Test func aStoppedJobIsNotAHang() throws {
        let job = try JobFixture("while [ ! -e go ]; do sleep 0.02; done")
        job.plan.silence = [.start: 7]
        try job.start()
        let log = job.run.jobLog(attempt: 1, incarnation: 0)
        #expect(job.poll { access(log, F_OK) == 0 })
        job.signal(SIGSTOP)
        // The watch's budget passes while the job is stopped: that is the condition under test.
        #expect(job.poll(9) { false } == false)
        job.signal(SIGCONT)
        #expect(job.poll(2) { !ProcessState.exists(job.processID) } == false)
        try Data().write(to: URL(filePath: job.folder("go")))
        #expect(job.end() == 0)
    }

    /// Covers I7.
    @Test func grandchildrenEndWithTheRun() throws {
        let job = try JobFixture(
            "setsid sh -c 'echo $$ > far; exec sleep 601' & sleep 602 & echo $! > near; "
                + "while [ ! -s far ]; do sleep 0.02; done")
        #expect(try job.runToEnd() == 0)
        for name in ["far", "near"] {
            let pid = try #require(Int32(job.text(job.folder(name)).filter { !$0.isNewline }))
            #expect(job.poll { !ProcessState.exists(pid) }, "\(name) still runs")
        }
    }

    /// Covers D13, I7.
    @Test func aKilledJobLeavesNoReceiptAndNoWorkers() throws {
        let job = try JobFixture("echo $$ > pid; exec sleep 603")
        try job.start()
        #expect(job.poll { !job.text(job.folder("pid")).isEmpty })
        let worker = try #require(Int32(job.text(job.folder("pid")).filter { !$0.isNewline }))
        job.signal(SIGKILL)
        #expect(job.end() == 137)
        #expect(throws: (any Error).self) { try job.receipt() }
        #expect(job.poll { !ProcessState.exists(worker) }, "a worker went on alone")
    }

    @Test func aKilledWatcherIsACrashAndTakesItsWorkerAlong() throws {
        let job = try JobFixture("echo $$ > pid; kill -KILL $PPID; exec sleep 604")
        #expect(try job.runToEnd() == 137)
        let worker = try #require(Int32(job.text(job.folder("pid")).filter { !$0.isNewline }))
        #expect(job.poll { !ProcessState.exists(worker) })
    }
}

enum ProcessState {
    /// Every process below this one.
    static func descendants(of root: Int32) -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        let parents = names.compactMap { Int32($0) }.reduce(into: [Int32: Int32]()) { parents, pid in
            parents[pid] = ProcStat.read(pid: pid)?.parent
        }
        return parents.keys.filter { pid in
            var current = pid, depth = 0
            while let parent = parents[current], depth < 64 {
                if parent == root { return true }
                (current, depth) = (parent, depth + 1)
            }
            return false
        }
    }

    /// False for what has ended, reaped or not.
    static func exists(_ pid: Int32) -> Bool {
        guard let stat = ProcStat.read(pid: pid) else { return false }
        return stat.state != "Z" && stat.state != "X"
    }
}
