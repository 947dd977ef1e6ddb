import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Cancel, requeue, hold, signals: the same on every backend.
@Suite struct ControlTests {
    /// Covers X10, X31.
    @Test(arguments: BackendKind.andRestAlone)
    func cancelEndsARunningJob(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("echo $$ > $CASE.pid; sleep 300")
        try await job.waitForNote("pid")
        try await job.scheduler.cancel(job.job, key: job.key)
        let at = try #require(try await job.status())
        #expect(at.state == .cancelled)
        let end = try await job.waitForEnd()
        #expect(end.state == .cancelled)
        let pid = try #require(Int32(job.note("pid").filter(\.isNumber)))
        #expect(ProcessIdentity.of(pid: pid)?.isAlive != true)
    }

    @Test(arguments: BackendKind.andRestAlone)
    func aJobThatIgnoresTermIsKilled(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit(
            "trap '' TERM; echo $$ > $CASE.pid; for i in {1..3000}; do sleep 0.1; done; echo survived > $CASE.end")
        try await job.waitForNote("pid")
        try await job.scheduler.cancel(job.job, key: job.key)
        let end = try await job.waitForEnd(40)
        #expect(end.state == .cancelled)
        #expect(end.exitSignal == 9)
        #expect(job.note("end").isEmpty)
    }

    @Test(arguments: BackendKind.andRestAlone)
    func aCancelledWaitingJobNeverStarts(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("echo ran > $CASE.ran") { $0.held = true }
        try await job.scheduler.cancel(job.job, key: job.key)
        #expect(try await job.waitForEnd().state == .cancelled)
        #expect(job.note("ran").isEmpty)
    }

    /// Covers A11.
    @Test(arguments: BackendKind.allCases)
    func nothingIsDoneToAJobWithAnotherKey(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("sleep 300")
        try await job.wait { $0.state == .running }
        let foreign = AttemptKey.random()
        let refusal = SchedulerError.keyMismatch(job: job.job)
        await #expect(throws: refusal) { try await job.scheduler.cancel(job.job, key: foreign) }
        await #expect(throws: refusal) { try await job.scheduler.requeue(job.job, key: foreign) }
        await #expect(throws: refusal) {
            try await job.scheduler.signal(job.job, key: foreign, signal: 15, to: .all)
        }
        await #expect(throws: refusal) { try await job.scheduler.update(job.job, key: foreign, change: .hold) }
        #expect(try await job.status()?.state == .running)
        await job.end()
    }

    @Test(arguments: BackendKind.andRestAlone)
    func aJobThatEndedCannotBeCancelled(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("true")
        _ = try await job.waitForEnd()
        do {
            try await job.scheduler.cancel(job.job, key: job.key)
            Issue.record("cancel of an ended job went through")
        } catch {
            guard case .wrongState(job: job.job, _) = error else { throw error }
        }
        #expect(try await job.status()?.state == .complete)
    }

    /// Covers C9.
    @Test(arguments: BackendKind.allCases)
    func aRequeuedJobStartsAgainUnderTheSameNumber(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit(
            """
            echo "start ${SLURM_RESTART_COUNT:-none}"
            echo x >> $CASE.starts
            [ -n "$SLURM_RESTART_COUNT" ] || sleep 300
            """)
        try await job.waitForNote("starts")
        try await job.scheduler.requeue(job.job, key: job.key)
        let end = try await job.waitForEnd(40)
        #expect(end.state == .complete && end.restartCount == 1)
        // Appended, not begun anew.
        #expect(job.output.contains("start none") && job.output.contains("start 1"))
    }

    @Test(arguments: BackendKind.allCases)
    func aJobThatIsPutBackIsPendingAndCompletingWhileItLives(_ kind: BackendKind) async throws {
        let job = try await kind.openWithoutHaste().submit(
            """
            [ -z "$SLURM_RESTART_COUNT" ] || exec sleep 300
            trap '' TERM
            echo $$ > $CASE.pid
            until [ -e $CASE.go ]; do sleep 0.1; done
            """)
        try await job.waitForNote("pid")
        let pid = try #require(Int32(job.note("pid").filter(\.isNumber)))
        try await job.scheduler.requeue(job.job, key: job.key)
        for _ in 0..<3 {
            let draining = try await job.wait { $0.state == .pending }
            #expect(draining.flags.contains(.completing) && draining.restartCount == 1)
            #expect(ProcessIdentity.of(pid: pid)?.isAlive == true)
            try await Task.sleep(for: .milliseconds(300))
        }
        try job.tell("go")
        try await job.wait(40) { !$0.flags.contains(.completing) && $0.restartCount == 1 }
        #expect(ProcessIdentity.of(pid: pid)?.isAlive != true)
        await job.end()
    }

    @Test(arguments: BackendKind.allCases)
    func aJobThatIsPutBackAndIgnoresTermIsKilled(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit(
            "[ -z \"$SLURM_RESTART_COUNT\" ] || exit 0; trap '' TERM; echo $$ > $CASE.pid; while :; do sleep 0.1; done")
        try await job.waitForNote("pid")
        let pid = try #require(Int32(job.note("pid").filter(\.isNumber)))
        try await job.scheduler.requeue(job.job, key: job.key)
        #expect(try await job.waitForEnd(60).restartCount == 1)
        #expect(ProcessIdentity.of(pid: pid)?.isAlive != true)
    }

    /// Covers X11.
    @Test(arguments: BackendKind.allCases)
    func requeueLeavesAnEndedJobAlone(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("exit 3")
        _ = try await job.waitForEnd()
        try? await job.scheduler.requeue(job.job, key: job.key)
        let after = try await job.status()
        #expect(after?.state == .failed && after?.restartCount == 0)
    }

    @Test(arguments: BackendKind.allCases)
    func requeueLeavesAWaitingJobAlone(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("true") { $0.held = true }
        try? await job.scheduler.requeue(job.job, key: job.key)
        let after = try await job.status()
        #expect(after?.state == .pending && after?.restartCount == 0)
        await job.end()
    }

    @Test(arguments: BackendKind.allCases)
    func beginNowEndsTheWaitAfterARequeue(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("echo x >> $CASE.starts; sleep 300")
        try await job.waitForNote("starts")
        var early: [Double] = []
        // Left alone it starts six seconds after the requeue; on a slow machine we may come later than that.
        for round in 1...5 where !early.contains(where: { $0 >= 1 }) {
            try await job.scheduler.requeue(job.job, key: job.key)
            let put = try await job.wait(30) { $0.restartCount == round && !$0.flags.contains(.completing) }
            if put.state == .pending, let eligible = put.eligibleAt {
                #expect(put.reasonCode == 9 || put.reasonCode == 0 || put.reasonCode == 35)
                // In the second in which it was killed a job may start again and fail at once: it is asked for later.
                try await Task.sleep(for: .seconds(1.1))
                let isTooLate = try await tooLate { () async throws(SchedulerError) in
                    try await job.scheduler.update(job.job, key: job.key, change: .beginNow)
                }
                let running = try await job.wait { $0.state == .running && $0.restartCount == round }
                if !isTooLate, let started = running.startedAt { early.append(eligible - started) }
            } else {
                try await job.wait { $0.state == .running && $0.restartCount == round }
            }
        }
        #expect(early.contains { $0 >= 1 }, "seconds by which it started early: \(early)")
        await job.end()
    }

    /// True when the job no longer was in the state that `change` is for.
    private func tooLate(_ change: () async throws(SchedulerError) -> Void) async throws -> Bool {
        do throws(SchedulerError) {
            try await change()
            return false
        } catch .wrongState {
            return true
        }
    }

    @Test(arguments: BackendKind.allCases)
    func aHeldJobWaitsUntilItIsReleased(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("true") { $0.held = true }
        let held = try await job.wait { $0.reasonCode == 16 }
        #expect(held.state == .pending && held.reason == "JobHeldUser")
        try await Task.sleep(for: .seconds(1))
        #expect(try await job.status()?.state == .pending)
        try await job.scheduler.update(job.job, key: job.key, change: .release)
        #expect(try await job.waitForEnd().state == .complete)
    }

    @Test(arguments: BackendKind.allCases)
    func holdStopsAWaitingJob(_ kind: BackendKind) async throws {
        let backend = try await kind.open(alone: true)
        let job = try await backend.submit(backend.requestAlone("echo x >> $CASE.starts; sleep 300"))
        try await job.waitForNote("starts")
        // Takes the place of the job that is put back, so that this one waits for as long as we like.
        let other = try await backend.submit(backend.requestAlone("echo up > $CASE.up; sleep 300"))
        try await job.scheduler.requeue(job.job, key: job.key)
        try await other.waitForNote("up")
        try await job.scheduler.update(job.job, key: job.key, change: .hold)
        try await job.wait { $0.reasonCode == 16 }
        try await job.scheduler.update(job.job, key: job.key, change: .beginNow)
        await other.end()
        _ = try await other.waitForEnd()
        try await Task.sleep(for: .seconds(2))
        #expect(try await job.status()?.state == .pending)
        try await job.scheduler.update(job.job, key: job.key, change: .release)
        try await job.wait { $0.state == .running }
        await job.end()
    }

    @Test(arguments: BackendKind.allCases, SignalTarget.allCases)
    func aSignalReachesThoseItIsMeantFor(_ kind: BackendKind, _ target: SignalTarget) async throws {
        let job = try await kind.open().submit(
            """
            trap 'echo batch >> $CASE.got' USR1
            $worker bash -c 'trap "echo worker >> $CASE.got" USR1; echo up > $CASE.up
              for i in {1..600}; do sleep 0.1; done' &
            while :; do wait; done
            """)
        try await job.waitForNote("up")
        try await job.scheduler.signal(job.job, key: job.key, signal: 10, to: target)
        let wanted = target == .all ? ["batch", "worker"] : [target == .batch ? "batch" : "worker"]
        let came = await eventually(within: 15) { wanted.allSatisfy(job.note("got").contains) }
        #expect(came, "\(job.note("got"))")
        try await Task.sleep(for: .milliseconds(300))
        if target == .batch { #expect(!job.note("got").contains("worker")) }
        if target == .workers { #expect(!job.note("got").contains("batch")) }
        await job.end()
    }

    @Test(arguments: BackendKind.allCases.filter(\.isSlurm))
    func aHandWrittenJobTakesAKeyOnce(_ kind: BackendKind) async throws {
        let testbed = try await SlurmFixture.shared.theTestbed(), backend = try await kind.open()
        let submitted = try await Testbed.offPool {
            testbed.slurm(["sbatch", "--parsable", "--hold", "-J", "by hand", "-o", "/dev/null", "--wrap=true"])
        }
        let job = try #require(UInt32(submitted.output.filter(\.isNumber)), "\(submitted.output)")
        let first = AttemptKey.random(), second = AttemptKey.random()
        let refusal = SchedulerError.keyMismatch(job: job)
        await #expect(throws: refusal) {
            try await backend.scheduler.adopt(JobAdoption(job: job, name: "another", to: first))
        }
        for _ in 0..<2 { try await backend.scheduler.adopt(JobAdoption(job: job, name: "by hand", to: first)) }
        let adopted = try #require(try await backend.scheduler.load(job))
        #expect(adopted.key == first && adopted.state == .pending)
        await #expect(throws: refusal) {
            try await backend.scheduler.adopt(JobAdoption(job: job, name: "by hand", to: second))
        }
        let next = JobAdoption(job: job, name: "by hand", from: first, to: second, excludedNodes: ["n1"])
        try await backend.scheduler.adopt(next)
        #expect(try await backend.scheduler.load(job)?.key == second)
        try await backend.scheduler.cancel(job, key: second)
    }

    @Test(arguments: BackendKind.andRestAlone)
    func aWaitingJobTakesNoSignal(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("true") { $0.held = true }
        do {
            try await job.scheduler.signal(job.job, key: job.key, signal: 10, to: .all)
            Issue.record("a waiting job took a signal")
        } catch {
            guard case .wrongState(job: job.job, _) = error else { throw error }
        }
        await job.end()
    }
}
