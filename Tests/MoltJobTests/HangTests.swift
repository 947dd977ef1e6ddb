import FoundationEssentials
import MoltCore
import MoltJob
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The built molt-job with workers that stop advancing, and with workers that only seem to.
struct HangTests {
    /// Ranks that wait for each other at each step, as those of a training do; `extra` runs after a rank's step.
    private static func lockstep(_ ranks: Int, steps: Int, extra: String) -> String {
        """
        say() { echo "$1" >> "$MOLT_PROGRESS_FILE"; }
        step=0
        say '{"kind":"phase","phase":"step"}'
        while [ $step -lt \(steps) ]; do
          step=$((step + 1))
          : > at.$step.$RANK
          for rank in $(seq 0 \(ranks - 1)); do while [ ! -e at.$step.$rank ]; do sleep 0.02; done; done
          say "{\\"kind\\":\\"step\\",\\"step\\":$step,\\"seconds\\":0.05}"
          \(extra)
        done
        exit 0
        """
    }

    /// Covers I1.
    @Test func aStoppedRankIsFoundAndEveryRanksStateIsLogged() throws {
        let stop = "[ $RANK.$step = 1.5 ] && kill -STOP $$"
        let job = try JobFixture(Self.lockstep(3, steps: 1000, extra: stop), ranks: 3)
        job.plan.stepSilence = 2
        let clock = ContinuousClock(), start = clock.now
        #expect(try job.runToEnd() == 80)
        // The bound, a look a second, and what the watchers take to write the states down.
        #expect(clock.now - start < .seconds(2 + 12))
        let receipt = try job.receipt()
        #expect(receipt.lastStep ?? 0 >= 5, "it goes on for as long as its state is written down")
        #expect(receipt.reason.contains("no progress for") && receipt.reason.contains("rank 1 on "))
        #expect(receipt.reason.contains("T (stopped)"))
        for rank in 0..<3 {
            #expect(job.jobLog.contains("rank \(rank) on "), "rank \(rank) is missing from the job's log")
            #expect(job.rankLog(rank).contains("state of the worker"))
            #expect(job.rankLog(rank).contains("\nState:\t"), "the worker was gone")
            #expect(job.rankLog(rank).contains("waits in"))
        }
        #expect(job.rankLog(1).contains("State:\tT (stopped)"))
        #expect(!job.rankLog(0).contains("State:\tT (stopped)"))
    }

    @Test(arguments: [SIGQUIT, SIGABRT])
    func aProgramThatCanTellItsStacksIsAsked(_ signal: Int32) throws {
        let name = signal == SIGQUIT ? "QUIT" : "ABRT"
        let job = try JobFixture(
            "trap 'echo this is my stack' \(name); echo '{\"step\":1}' >> $MOLT_PROGRESS_FILE; kill -STOP $$; "
                + "while :; do sleep 0.02; done")
        job.plan.silence = [.step: 1]
        job.plan.stepSilence = 1
        // A program cannot trap what was ignored when it started: the worker must not inherit that.
        try job.startInBackground()
        #expect(job.end() == 80)
        #expect(job.rankLog(0).contains("this is my stack"))
    }

    /// Each of these is silent for four times what a step may take.
    ///
    /// Covers I2.
    @Test(arguments: [RunEvent.Phase.data, .load, .save, .evaluate, .finish])
    func aSlowPhaseIsNotAHang(_ phase: RunEvent.Phase) throws {
        let slow = "[ $step = 3 ] && [ $RANK = 0 ] && { say '{\"kind\":\"phase\",\"phase\":\"\(phase.rawValue)\"}'; "
            + "sleep 4; say '{\"kind\":\"phase\",\"phase\":\"step\"}'; }"
        let job = try JobFixture(Self.lockstep(2, steps: 5, extra: slow), ranks: 2)
        job.plan.stepSilence = 1
        #expect(try job.runToEnd() == 0)
        #expect(!job.jobLog.contains("no progress"))
        #expect(try job.receipt().lastStep == 5)
    }

    /// The scheduler stops everything, or (`scancel --signal=STOP`) everything but molt-job itself.
    ///
    /// Covers D11.
    @Test(arguments: [true, false])
    func aSuspendedJobIsNotAHang(_ withMoltJob: Bool) throws {
        let job = try JobFixture(Self.lockstep(2, steps: 100_000, extra: "[ -e go.$step ] && exit 0"), ranks: 2)
        job.plan.stepSilence = 2
        try job.start()
        #expect(job.poll { job.text(job.run.events(epoch: 1, writer: .rank(1))).contains("\"step\":3") })
        let tree = ProcessState.descendants(of: job.processID) + (withMoltJob ? [job.processID] : [])
        for pid in tree { kill(pid, SIGSTOP) }
        // Longer than a step may take: that is the condition under test.
        #expect(job.poll(8) { false } == false)
        for pid in tree { kill(pid, SIGCONT) }
        #expect(job.poll(3) { !ProcessState.exists(job.processID) } == false)
        // At a step that both have yet to take, or one would wait for the other for ever.
        let last = job.text(job.run.events(epoch: 1, writer: .rank(0))).split(separator: "\n").count
        for step in (last + 50)..<(last + 100) { try Data().write(to: URL(filePath: job.folder("go.\(step)"))) }
        #expect(job.end() == 0)
        #expect(!job.jobLog.contains("no progress"))
    }
}

/// The built molt-job on a node that lost its run, its scheduler or its folder.
struct FencingTests {
    /// A worker that nothing but SIGKILL ends.
    private static let stubborn = "trap '' TERM INT USR1 USR2; echo $$ > pid; while :; do sleep 0.02; done"

    private func started(_ job: JobFixture, _ environment: [String: String] = [:]) throws -> Int32 {
        try job.start(job: 7, restart: 0, environment)
        #expect(job.poll { !job.text(job.folder("pid")).isEmpty })
        return try #require(Int32(job.text(job.folder("pid")).filter(\.isNumber)))
    }

    private func supersede(_ job: JobFixture) throws {
        var claim = try JSONFile.read(Claim.self, from: job.run.claim(epoch: 1))
        claim.epoch = 2
        try DurableFile.createExclusively(JSONFile.encode(claim), at: job.run.claim(epoch: 2))
    }

    /// Covers D8.
    @Test func aSupersededIncarnationIsGoneWithinSeconds() throws {
        let job = try JobFixture(Self.stubborn)
        let worker = try started(job)
        try supersede(job)
        #expect(job.end(within: 10) == 76)
        #expect(!ProcessState.exists(worker))
        #expect(try job.receipt().reason.contains("epoch 2"))
    }

    /// molt-job sits on the first node; the ranks of the others must not need it.
    @Test func aRankEndsItselfWhenMoltJobCannot() throws {
        let job = try JobFixture(Self.stubborn)
        let worker = try started(job)
        job.signal(SIGSTOP)
        try supersede(job)
        #expect(job.poll(10) { !ProcessState.exists(worker) }, "an old incarnation lives on")
        let folder = job.run.incarnation(attempt: 1, incarnation: 0)
        #expect(job.poll(3) { access(RankEnd.path(folder: folder, rank: 0), F_OK) == 0 })
        #expect(try JSONFile.read(RankEnd.self, from: RankEnd.path(folder: folder, rank: 0)).status == 76)
        job.signal(SIGCONT)
        #expect(job.end(within: 10) == 76)
    }

    /// Covers D8.
    @Test func withoutItsRunFolderAnIncarnationEndsAfterTheLease() throws {
        let job = try JobFixture(Self.stubborn)
        job.plan.lease = 2
        let worker = try started(job)
        #expect(rename(job.run.path, job.run.path + ".away") == 0)
        let clock = ContinuousClock(), start = clock.now
        #expect(job.end(within: 15) == JobExit.fileTrouble)
        #expect(clock.now - start < .seconds(8))
        #expect(job.poll(3) { !ProcessState.exists(worker) })
    }

    @Test func aSignOfLifeIsGivenWhileTheWorkersAreWatched() throws {
        let job = try JobFixture(Self.stubborn)
        _ = try started(job)
        let sign = SignOfLife(incarnationFolder: job.run.incarnation(attempt: 1, incarnation: 0))
        #expect(job.poll { sign.read() == 1 })
        #expect(job.poll(15) { sign.read() == 2 })
        job.signal(SIGKILL)
        #expect(job.end() == 137)
        #expect(sign.read() == 2)
    }

    /// What slurmstepd is to a job: its parent. Slurm itself takes half an hour to notice.
    ///
    /// Covers D4.
    @Test func aJobWhoseKeeperIsGoneSavesAndStops() throws {
        let job = try JobFixture("trap 'echo saved; exit 75' TERM USR1; echo > ready; while :; do sleep 0.02; done")
        // So that the stop goes by the watchers: this srun passes no signals on.
        job.plan.isForeign = true
        let environment = try job.throughSrun()
        try job.startUnderShell(environment)
        #expect(job.waitFor("ready"))
        job.signal(SIGKILL)
        #expect(job.end() == 137)
        let receipt = job.run.receipt(key: job.plan.key, incarnation: 0)
        #expect(job.poll(15) { access(receipt, F_OK) == 0 })
        #expect(try job.receipt().exitCode == 75)
    }

    @Test func aRankThatEndedIsNoticedThoughSrunGoesOn() throws {
        let job = try JobFixture("exit 3")
        let environment = try job.throughSrun(workers: "\"$@\"; exec sleep 600")
        #expect(try job.runToEnd(job: 7, restart: 0, environment) == 3)
    }
}
