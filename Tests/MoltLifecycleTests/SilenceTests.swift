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

    @Test func aJobThatNeverGaveASignIsWaitedFor() throws {
        var machine = Machine()
        try machine.submit()
        for _ in 0..<100 {
            machine.clock += 10
            try machine.observe(machine.seen(.running), silence: 4000)
        }
        #expect(machine.steps() == [], "it has not claimed the run: who knows what it waits for")
    }
}
