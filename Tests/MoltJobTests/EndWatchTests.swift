import FoundationEssentials
import MoltCore
import MoltJob
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// When the scheduler ends the job: what is believed, and when it is asked.
struct EndWatchTests {
    /// Covers D14.
    @Test(arguments: [
        ("1000100\n", 1_000_100), ("1000100", 1_000_100), (" 1000100\n", nil), ("1000100 \n", 1_000_100),
        ("NONE\n", nil), ("N/A\n", nil), ("Unknown\n", nil), ("UNLIMITED\n", nil), ("", nil), ("\n", nil),
        ("2026-11-22T21:36:29\n", nil), ("1000100\n1000200\n", nil), ("-5\n", nil), ("+1000100\n", nil),
        ("0x1e8480\n", nil), ("1e9\n", nil), ("1000000\n", nil), ("999999\n", nil), ("1000100.5\n", nil),
        ("9999999999999999999999\n", nil), ("400000000\n", nil), ("١٢٣٤٥٦٧٨\n", nil),
    ] as [(String, Double?)])
    func onlyAMomentWithinReasonIsAnEnd(_ text: String, _ end: Double?) {
        #expect(EndWatch.end(text, wall: 1_000_000) == end)
    }

    @Test func whatTheSchedulerToldIsAskedAgainOnlyNowAndThen() {
        for job in [0, 17, 59, 60, 4_000_000_000] as [UInt32] {
            var watch = EndWatch(endsAt: 50_000, isTold: true, job: job, now: 0)
            var asked: [Int] = []
            for second in 0..<3600 where watch.isDue(stopAt: 49_000, now: Double(second)) {
                watch.asked(stopAt: 49_000, now: Double(second))
                #expect(watch.answered("50000", wall: Double(second), now: Double(second)) == false)
                asked.append(second)
            }
            #expect(asked.first == 240 + Int(job % 60))
            #expect(zip(asked, asked.dropFirst()).allSatisfy { $1 - $0 == 300 }, "\(asked)")
        }
    }

    @Test func whatNobodyHasToldIsAskedAtOnceAndThenEverMoreRarely() {
        var watch = EndWatch(endsAt: 900, isTold: false, job: 7, now: 0)
        var asked: [Int] = []
        for second in 0..<1300 where watch.isDue(stopAt: 10_000, now: Double(second)) {
            watch.asked(stopAt: 10_000, now: Double(second))
            #expect(watch.answered(nil, wall: Double(second), now: Double(second)) == false)
            asked.append(second)
        }
        #expect(asked == [0, 30, 90, 210, 450, 750, 1050])
        #expect(watch.endsAt == 900, "what is believed stays")
    }

    /// Covers D14, D29.
    @Test func anEndThatIsNearIsCheckedOnceAndMayMove() {
        var watch = EndWatch(endsAt: 1000, isTold: true, job: 59, now: 0)
        #expect(!watch.isDue(stopAt: 200, now: 169))
        #expect(watch.isDue(stopAt: 200, now: 170))
        watch.asked(stopAt: 200, now: 170)
        #expect(watch.answered("1000", wall: 900, now: 170) == false)
        #expect(!watch.isDue(stopAt: 200, now: 199), "the same end is checked once")
        #expect(watch.answered("4000", wall: 900, now: 171) == true)
        #expect(watch.endsAt == 4000)
        #expect(!watch.isDue(stopAt: 3200, now: 300))
        #expect(watch.isDue(stopAt: 3200, now: 470), "its turn has come")
    }

    @Test func aChangeThatTheDaemonSawIsAskedAboutSoonButNotAllTheTime() {
        var watch = EndWatch(endsAt: 10_000, isTold: true, job: 0, now: 0)
        watch.nudged()
        #expect(watch.isDue(stopAt: 9000, now: 1))
        watch.asked(stopAt: 9000, now: 1)
        #expect(watch.answered("5000", wall: 1000, now: 1) == true)
        watch.nudged()
        #expect(!watch.isDue(stopAt: 4000, now: 15))
        #expect(watch.isDue(stopAt: 4000, now: 16))
    }

    /// `scontrol update TimeLimit=UNLIMITED`: the end that was believed is none any more.
    ///
    /// Covers D29.
    @Test func aLimitThatIsTakenAwayTakesTheStopAway() {
        var watch = EndWatch(endsAt: 1000, isTold: true, job: 0, now: 0)
        #expect(watch.isDue(stopAt: 200, now: 170))
        watch.asked(stopAt: 200, now: 170)
        #expect(watch.answered("NONE\n", wall: 900, now: 170) == true)
        #expect(watch.endsAt == nil && watch.isTold)
        #expect(watch.answered("NONE\n", wall: 900, now: 171) == false, "that is known")
        #expect(!watch.isDue(stopAt: nil, now: 469))
        #expect(watch.isDue(stopAt: nil, now: 470), "and it may be limited again")
        #expect(watch.answered("5000", wall: 900, now: 470) == true)
        #expect(watch.endsAt == 5000)
        var guessed = EndWatch(endsAt: 1000, isTold: false, job: 0, now: 0)
        #expect(guessed.answered("NONE\n", wall: 900, now: 0) == true)
        #expect(guessed.endsAt == nil, "a guess is no limit")
    }

    @Test(arguments: ["N/A\n", "Unknown\n", "NONE NONE\n", "none\n", "", "junk"])
    func anAnswerThatIsNoTimeChangesNothing(_ text: String) {
        var watch = EndWatch(endsAt: 1000, isTold: true, job: 0, now: 0)
        #expect(watch.answered(text, wall: 0, now: 0) == false)
        #expect(watch.endsAt == 1000)
    }

    /// Slurm moves the end of a job by as long as it had it suspended, and tells nobody.
    ///
    /// Covers D11.
    @Test(arguments: ["9000", nil])
    func afterAPauseTheEndIsUncertainUntilItWasAskedFor(_ answer: String?) {
        var watch = EndWatch(endsAt: 1000, isTold: true, job: 0, now: 0)
        // A question from before that nobody answers any more.
        watch.asked(stopAt: 900, now: 880)
        watch.resumed()
        #expect(watch.isUnsure)
        #expect(watch.answered(nil, wall: 5000, now: 5000) == false)
        #expect(watch.isUnsure, "that was the question from before")
        #expect(watch.isDue(stopAt: 5000, now: 5000), "however lately it was asked")
        watch.asked(stopAt: 5000, now: 5000)
        #expect(watch.isUnsure)
        #expect(watch.answered(answer, wall: 5000, now: 5001) == (answer != nil))
        #expect(!watch.isUnsure)
        #expect(watch.endsAt == (answer == nil ? 1000 : 9000))
        #expect(!watch.isDue(stopAt: 8000, now: 5010), "once is enough")
    }

    /// Whoever was asked to stop, and suspended before he could, has as long as before.
    ///
    /// Covers D11.
    @Test func timeInWhichNobodyRanDoesNotCountAgainstAStop() {
        for (event, action) in [
            (Supervisor.Event.stopAsked(signal: 15), Supervisor.Action.askToStop(15)), (.rankFailed, .terminate),
            (.hung("no progress"), .dumpStacks),
        ] {
            var supervisor = Supervisor(stopAt: nil, killAfter: 5, killsAfterStop: true)
            #expect(supervisor.handle(.paused(50), now: 90) == [])
            #expect(supervisor.handle(event, now: 100) == [action])
            #expect(supervisor.handle(.paused(3600), now: 3701) == [])
            #expect(supervisor.handle(.tick, now: 3704) == [], "four seconds of its own")
            #expect(supervisor.handle(.tick, now: 3721) == [.kill])
        }
    }

    @Test func aDeadlineThatMovesMovesTheStop() {
        var supervisor = Supervisor(stopAt: 100, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.deadlineMoved(to: 200), now: 90) == [])
        #expect(supervisor.handle(.tick, now: 199) == [])
        #expect(supervisor.handle(.deadlineMoved(to: 150), now: 199) == [])
        #expect(supervisor.handle(.tick, now: 199) == [.askToStop(15)])
        #expect(supervisor.handle(.deadlineMoved(to: 900), now: 199) == [])
        #expect(supervisor.handle(.tick, now: 901) == [])
        #expect(supervisor.stopsForDeadline)
        var endless = Supervisor(stopAt: 100, killAfter: 30, killsAfterStop: false)
        #expect(endless.handle(.deadlineMoved(to: nil), now: 90) == [])
        #expect(endless.handle(.tick, now: 1e9) == [])
        #expect(!endless.stopsForDeadline)
    }

    @Test func aDeadlineThatBecomesKnownLateStopsToo() {
        var supervisor = Supervisor(stopAt: nil, killAfter: 30, killsAfterStop: false)
        #expect(supervisor.handle(.tick, now: 1000) == [])
        #expect(supervisor.handle(.deadlineMoved(to: 1010), now: 1000) == [])
        #expect(supervisor.handle(.tick, now: 1010) == [.askToStop(15)])
        #expect(supervisor.stopsForDeadline)
    }
}

/// The built molt-job with a `squeue` of our own.
struct EndQuestionTests {
    /// Nothing but the controller knows when the job ends: no variable says it, and the recipe asked for nothing.
    ///
    /// Covers D14.
    @Test func withoutALimitInTheRecipeItSavesBeforeTheSchedulersLimit() throws {
        let job = try JobFixture(
            "trap 'exit 75' TERM; echo $MOLT_DEADLINE > deadline; while :; do sleep 0.02; done")
        job.plan.isForeign = true
        job.plan.killAfter = 20
        let squeue = """
            echo "$* $SLURM_TIME_FORMAT $SQUEUE_PARTITION" >> '\(job.folder("asked"))'
            [ -e '\(job.folder("end"))' ] || echo $(( $(date +%s) + 4 )) > '\(job.folder("end"))'
            cat '\(job.folder("end"))'
            """
        let began = Date().timeIntervalSince1970
        let code = try job.runToEnd(
            job: 7, restart: 0, job.throughSrun(squeue: squeue).merging(["SQUEUE_PARTITION": "x"]) { $1 })
        #expect(code == 75)
        #expect(job.text(job.folder("asked")).hasPrefix("-h -j 7 -o %e %s \n"))
        let deadline = try #require(Double(job.text(job.folder("deadline")).filter { $0 != "\n" }))
        #expect(deadline > began && deadline <= began + 30)
        #expect(try job.receipt().stopSignal == nil, "the deadline, and no signal")
        #expect(job.jobLog.contains("the scheduler ends this job in"))
    }

    /// Covers D29.
    @Test func aLimitThatIsLoweredWhileItRunsIsObeyed() throws {
        let job = try JobFixture(
            "trap 'exit 75' TERM; echo > ready; while :; do sleep 0.02; done")
        job.plan.isForeign = true
        job.plan.killAfter = 20
        let squeue = """
            if [ -e '\(job.folder("lowered"))' ]; then left=3; else left=9000; fi
            echo $(( $(date +%s) + left ))
            """
        try job.start(job: 7, restart: 0, job.throughSrun(squeue: squeue))
        #expect(job.waitFor("ready"))
        try DurableFile.write(Data(), to: job.folder("lowered"))
        // As the daemon does when it sees it.
        try DurableFile.write(Data("120 seconds".utf8), to: job.run.limitChange(attempt: 1))
        #expect(job.end(within: 40) == 75)
        #expect(job.jobLog.contains("earlier than before"))
        let told = job.text(job.run.incarnation(attempt: 1, incarnation: 0) + "/deadline")
        #expect(Double(told.filter { $0 != "\n" }).map { $0 < Date().timeIntervalSince1970 + 60 } == true)
    }

    /// The workers and molt-job are stopped past the end that was told; then that has moved.
    ///
    /// Covers D11.
    @Test func aJobThatWasSuspendedPastItsEndGoesOn() throws {
        let job = try JobFixture(
            "trap 'exit 75' TERM; echo > ready; while [ ! -e enough ]; do sleep 0.02; done; exit 0")
        job.plan.isForeign = true
        let squeue = """
            [ -e '\(job.folder("end"))' ] || echo $(( $(date +%s) + 10 )) > '\(job.folder("end"))'
            [ ! -e '\(job.folder("moved"))' ] || sleep 1.5
            cat '\(job.folder("end"))'
            """
        try job.start(job: 7, restart: 0, job.throughSrun(squeue: squeue))
        #expect(job.waitFor("ready"))
        job.signal(SIGSTOP)
        let began = Date().timeIntervalSince1970
        job.poll(20) { Date().timeIntervalSince1970 > began + 11 }
        try DurableFile.write(Data("\(Int(began) + 900)\n".utf8), to: job.folder("end"))
        try DurableFile.write(Data(), to: job.folder("moved"))
        job.signal(SIGCONT)
        #expect(job.poll { job.jobLog.contains("later than before") }, "\(job.jobLog)")
        try DurableFile.write(Data(), to: job.folder("enough"))
        #expect(job.end(within: 20) == 0)
        #expect(!job.jobLog.contains("asking the workers to save and stop"), "\(job.jobLog)")
    }

    /// Covers D29.
    @Test func aLimitThatIsTakenAwayWhileItRunsStopsNothing() throws {
        let job = try JobFixture(
            "trap 'exit 75' TERM; echo > ready; while [ ! -e enough ]; do sleep 0.02; done; exit 0")
        job.plan.isForeign = true
        let end = Int(Date().timeIntervalSince1970) + 120
        try job.start(
            job: 7, restart: 0, job.throughSrun(squeue: "echo NONE").merging(["SLURM_JOB_END_TIME": "\(end)"]) { $1 })
        #expect(job.waitFor("ready"))
        #expect(job.jobLog.contains("no time limit") == false, "the end was told, so it is not asked for")
        // As the daemon does when it sees another limit.
        try DurableFile.write(Data("unlimited".utf8), to: job.run.limitChange(attempt: 1))
        #expect(job.poll(25) { job.jobLog.contains("no time limit any more") })
        let file = job.run.incarnation(attempt: 1, incarnation: 0) + "/deadline"
        let isFarAway = { (text: String) in
            Double(text.filter { $0 != "\n" }).map { $0 > Date().timeIntervalSince1970 + 300 * 86_400 } == true
        }
        #expect(job.poll(10) { isFarAway(job.text(file)) }, "\(job.text(file))")
        try DurableFile.write(Data(), to: job.folder("enough"))
        #expect(job.end(within: 20) == 0)
        #expect(!job.jobLog.contains("asking the workers to save and stop"))
    }

    @Test func aControllerThatDoesNotAnswerHoldsUpNothing() throws {
        let job = try JobFixture("exit 0")
        let clock = ContinuousClock(), began = clock.now
        #expect(try job.runToEnd(job: 7, restart: 0, job.throughSrun(squeue: "exec sleep 600")) == 0)
        #expect(clock.now - began < .seconds(15))
    }
}
