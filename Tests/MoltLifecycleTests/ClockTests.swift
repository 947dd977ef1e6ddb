import MoltCore
import MoltLifecycle
import Testing

/// Somebody sets the clock, forwards or backwards, while a daemon runs or between two.
struct ClockTests {
    private func unresolved() throws -> Machine {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.outcomeUnknown(message: "timeout"))
        return machine
    }

    /// Covers G1.
    @Test func aNewDaemonWaitsAnewForASubmissionThatMayStillArrive() throws {
        var machine = try unresolved()
        // Its clock is an hour ahead of that of the one before.
        try machine.handle(.daemonStarted(at: 4610))
        try machine.handle(.notInQueue(Evidence(), lookedAt: 4620, settle: 300))
        machine.clock = 4620
        #expect(machine.steps().isEmpty)
        try machine.handle(.notInQueue(Evidence(), lookedAt: 4910, settle: 300))
        machine.clock = 4910
        #expect(machine.steps().count == 1)
    }

    /// Covers G1.
    @Test func aClockThatWasSetBackDelaysASettlementByItsTimeOnly() throws {
        var machine = try unresolved()
        try machine.handle(.notInQueue(Evidence(), lookedAt: -2600, settle: 300))
        try machine.handle(.notInQueue(Evidence(), lookedAt: -2310, settle: 300))
        machine.clock = -2310
        #expect(machine.steps().isEmpty)
        try machine.handle(.notInQueue(Evidence(), lookedAt: -2300, settle: 300))
        machine.clock = -2300
        #expect(machine.steps().count == 1)
    }

    /// Covers G1.
    @Test func aLostJobIsNoticedThoughTheClockWasSetBack() throws {
        var machine = Machine()
        try machine.start()
        try machine.handle(.notInQueue(Evidence(claims: [machine.claim()]), lookedAt: -2600, settle: 300))
        try machine.handle(.notInQueue(Evidence(claims: [machine.claim()]), lookedAt: -2590, settle: 300))
        guard case .missing = machine.run.state else {
            Issue.record("\(machine.run.state)")
            return
        }
    }

    @Test func aNewDaemonGivesAMissingJobItsTimeAgain() throws {
        var machine = Machine()
        try machine.start()
        let evidence = Evidence(claims: [machine.claim()])
        try machine.handle(.notInQueue(evidence, lookedAt: 1100, settle: 300))
        try machine.handle(.daemonStarted(at: 4700))
        try machine.handle(.notInQueue(evidence, lookedAt: 4701, settle: 300))
        guard case .missing = machine.run.state else {
            Issue.record("given up at once: \(machine.run.state)")
            return
        }
    }

    /// Covers E9.
    @Test func aReceiptThatIsLateOnTheFileSystemIsWaitedForUnderANewDaemonToo() throws {
        var machine = Machine()
        try machine.start()
        machine.clock = 1020
        try machine.observe(machine.seen(.complete), claims: [machine.claim()])
        try machine.handle(.daemonStarted(at: 4620))
        machine.clock = 4621
        try machine.observe(machine.seen(.complete), claims: [machine.claim()])
        guard case .finishing = machine.run.state else {
            Issue.record("given up at once: \(machine.run.state)")
            return
        }
        try machine.observe(machine.seen(.complete), claims: [machine.claim()], receipts: [machine.receipt(0)])
        #expect(machine.run.state == .finished)
    }

    @Test func aPauseThatAnotherClockBeganIsOver() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 5000))
        try machine.handle(.postponed(message: "queue full", until: 5015))
        machine.clock = 5001
        #expect(machine.steps().isEmpty)
        machine.clock = 1400
        #expect(machine.steps().count == 1, "no pause is an hour long")
    }

    @Test func aRefusalOfARunThatIsBeingCancelledCancelsIt() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.cancelAsked)
        try machine.handle(.refused(message: "invalid partition"))
        #expect(machine.run.state == .cancelled(elsewhere: false))
    }
}
