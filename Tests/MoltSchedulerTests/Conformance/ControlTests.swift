import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Cancel, requeue, hold, signals: the same on every backend.
@Suite struct ControlTests {
    /// Covers X10.
    @Test(arguments: BackendKind.allCases)
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

    @Test(arguments: BackendKind.allCases)
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

    @Test(arguments: BackendKind.allCases)
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

    @Test(arguments: BackendKind.allCases)
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
        let waiting = try await job.wait { $0.state == .pending && !$0.flags.contains(.completing) }
        #expect(waiting.restartCount == 1)
        let end = try await job.waitForEnd(40)
        #expect(end.state == .complete && end.restartCount == 1)
        // Appended, not begun anew.
        #expect(job.output.contains("start none") && job.output.contains("start 1"))
    }

    @Test(arguments: BackendKind.allCases)
    func aJobThatIsPutBackIsPendingAndCompletingWhileItLives(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit(
            "trap '' TERM; echo $$ > $CASE.pid; for i in {1..3000}; do sleep 0.1; done")
        try await job.waitForNote("pid")
        try await job.scheduler.requeue(job.job, key: job.key)
        let draining = try await job.wait { $0.state == .pending }
        #expect(draining.flags.contains(.completing) && draining.restartCount == 1)
        let pid = try #require(Int32(job.note("pid").filter(\.isNumber)))
        #expect(ProcessIdentity.of(pid: pid) != nil)
        try await job.wait(40) { $0.state == .pending && !$0.flags.contains(.completing) }
        #expect(ProcessIdentity.of(pid: pid)?.isAlive != true)
        await job.end()
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
        try await job.scheduler.requeue(job.job, key: job.key)
        let put = try await job.wait(30) { $0.state == .pending && !$0.flags.contains(.completing) }
        let begin = ContinuousClock.now
        try await job.scheduler.update(job.job, key: job.key, change: .beginNow)
        try await job.wait { $0.state == .running && $0.restartCount == 1 }
        // The job would have waited for its eligible time, which lies up to six seconds after the requeue.
        #expect(put.reasonCode == 9 || put.reasonCode == 0 || put.reasonCode == 35)
        #expect(ContinuousClock.now - begin < .seconds(Backend.requeueDelay + 6))
        await job.end()
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
        let job = try await kind.open().submit("echo x >> $CASE.starts; sleep 300")
        try await job.waitForNote("starts")
        try await job.scheduler.requeue(job.job, key: job.key)
        try await job.wait { $0.state == .pending && !$0.flags.contains(.completing) }
        try await job.scheduler.update(job.job, key: job.key, change: .hold)
        try await job.wait { $0.reasonCode == 16 }
        try await job.scheduler.update(job.job, key: job.key, change: .beginNow)
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

    @Test(arguments: BackendKind.allCases)
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
