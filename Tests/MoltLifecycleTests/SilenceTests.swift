import MoltCore
import MoltLifecycle
import Testing

/// Jobs that the scheduler calls running, of which nothing lives.
struct SilenceTests {
    private func causes(_ machine: Machine) -> [Cause] {
        machine.records.compactMap { if case .incarnationEnded(_, _, let cause, _, _) = $0 { cause } else { nil } }
    }

    /// Covers D4.
    @Test func aSilentJobIsCancelledAndAnotherAttemptFollows() throws {
        var machine = Machine()
        try machine.start()
        machine.clock += 40
        try machine.observe(machine.seen(.running), claims: [machine.claim()], silence: 30)
        #expect(machine.steps() == [], "two signs may be missed")
        machine.clock += 1
        try machine.observe(machine.seen(.running), claims: [machine.claim()], silence: 31)
        #expect(machine.steps() == [.cancel(job: 7, machine.key)])
        #expect(causes(machine) == [.lost])
        machine.clock += 5
        try machine.observe(machine.seen(.cancelled, .completing), claims: [machine.claim()], silence: 36)
        #expect(machine.steps() == [.cancel(job: 7, machine.key)], "not while its processes may live")
        try machine.observe(machine.seen(.cancelled), claims: [machine.claim()], silence: 36)
        #expect(machine.run.isActive && machine.run.job == nil)
        machine.clock += 10
        #expect(machine.steps() == [.openAttempt(2)])
        #expect(causes(machine) == [.lost], "the end was recorded once")
    }

    /// The end was written down; only the scheduler does not know. Nothing of it is charged as lost.
    @Test(arguments: [(75, Cause.interrupted), (139, .crashed), (80, .noProgress)] as [(Int32, Cause)])
    func theReceiptOfASilentJobSaysWhyItEnded(_ code: Int32, _ cause: Cause) throws {
        var machine = Machine()
        try machine.start()
        machine.clock += 40
        try machine.observe(
            machine.seen(.running), claims: [machine.claim()], receipts: [machine.receipt(code)], committed: 5,
            silence: 31)
        #expect(causes(machine) == [cause])
        #expect(machine.steps() == [.cancel(job: 7, machine.key)])
    }

    @Test func aFinishedJobThatTheSchedulerCallsRunningIsFinished() throws {
        var machine = Machine()
        try machine.start()
        try machine.observe(
            machine.seen(.running), claims: [machine.claim()], receipts: [machine.receipt(0)], silence: 31)
        try machine.observe(machine.seen(.cancelled), claims: [machine.claim()], receipts: [machine.receipt(0)])
        #expect(machine.run.state == .finished)
    }

    /// Suspended, being requeued, ending, or not begun: silence is to be expected.
    @Test(arguments: [
        (.suspended, []), (.running, .stopped), (.running, .completing), (.running, .configuring),
        (.pending, .completing),
    ] as [(JobObservation.Base, JobObservation.Flags)])
    func silenceOfAJobThatDoesNotRunMeansNothing(
        _ base: JobObservation.Base, _ flags: JobObservation.Flags
    ) throws {
        var machine = Machine()
        try machine.start()
        try machine.observe(machine.seen(base, flags), claims: [machine.claim()], silence: 4000)
        #expect(!machine.steps().contains(.cancel(job: 7, machine.key)))
        #expect(causes(machine).isEmpty)
    }

    private func notes(_ machine: Machine) -> [String] {
        machine.records.compactMap { if case .note("starting-slow", let text) = $0 { text } else { nil } }
    }

    private func look(_ machine: inout Machine, for seconds: Double, nodes: [String] = ["n1"]) throws {
        for _ in 0..<Int(seconds / 10) {
            machine.clock += 10
            try machine.observe(machine.seen(.running, nodes: nodes), silence: 4000)
        }
    }

    /// A module or a mount that hangs before molt-job can start.
    @Test func aStartThatNothingClaimsIsToldAndGivenUpWithItsNode() throws {
        var machine = Machine()
        try machine.submit()
        try look(&machine, for: 120)
        #expect(notes(machine).isEmpty, "a slow start is no news yet")
        try look(&machine, for: 780)
        #expect(
            notes(machine) == ["job 7 has run for 2 min 10 s on n1, and molt-job has not started there"], "once")
        #expect(machine.steps() == [] && causes(machine).isEmpty)
        try look(&machine, for: 20)
        #expect(machine.steps() == [.cancel(job: 7, machine.key)])
        #expect(causes(machine) == [.nodeUnfit])
        #expect(machine.run.avoidedNodes == ["n1"])
        try machine.observe(machine.seen(.cancelled))
        #expect(machine.steps() == [.openAttempt(2)])
    }

    @Test func ofSeveralNodesNoneIsBlamedForAStartThatHangs() throws {
        var machine = Machine()
        try machine.submit()
        try look(&machine, for: 1000, nodes: ["n1", "n2"])
        #expect(causes(machine) == [.nodeUnfit] && machine.run.avoidedNodes.isEmpty)
    }

    @Test func theSiteSaysHowLongAStartMayTake() throws {
        var policy = LifecyclePolicy()
        policy.startPatience = 60
        var machine = Machine(policy: policy)
        try machine.submit()
        try look(&machine, for: 70)
        #expect(causes(machine).isEmpty)
        try look(&machine, for: 10)
        #expect(causes(machine) == [.nodeUnfit] && notes(machine).isEmpty)
    }

    /// Neither suspended nor waiting for a node to boot does it take its time.
    @Test(arguments: [(.suspended, []), (.running, .configuring)] as [(JobObservation.Base, JobObservation.Flags)])
    func whatDoesNotRunIsNotSlow(_ base: JobObservation.Base, _ flags: JobObservation.Flags) throws {
        var machine = Machine()
        try machine.submit()
        for _ in 0..<4 {
            try look(&machine, for: 800)
            machine.clock += 1000
            try machine.observe(machine.seen(base, flags))
        }
        #expect(causes(machine).isEmpty)
        try look(&machine, for: 800)
        try machine.handle(.daemonStarted(at: machine.clock))
        try look(&machine, for: 800)
        #expect(causes(machine).isEmpty, "a new daemon's clock may be another")
    }

    @Test func aClaimThatComesLateEndsTheWait() throws {
        var machine = Machine()
        try machine.submit()
        try look(&machine, for: 800)
        try machine.observe(machine.seen(.running), claims: [machine.claim()])
        for _ in 0..<100 {
            machine.clock += 10
            try machine.observe(machine.seen(.running), claims: [machine.claim()])
        }
        #expect(causes(machine).isEmpty && machine.steps() == [])
    }
}
