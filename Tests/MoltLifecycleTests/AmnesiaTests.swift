import MoltCore
import MoltLifecycle
import Testing

/// A job that vanished with many others, as the state machine sees it.
struct AmnesiaTests {
    @Test(arguments: [(2, 2, false), (3, 3, true), (3, 14, true), (3, 15, false), (4, 15, true), (200, 1000, false)])
    func manyAndALargePartAreALossOfMemory(_ missing: Int, _ expected: Int, _ isLoss: Bool) {
        #expect((MassLoss(missing: missing, expected: expected, patience: nil) != nil) == isLoss)
    }

    private func forgotten(patience: Double? = nil) throws -> Machine {
        var machine = Machine()
        try machine.start()
        try machine.miss(MassLoss(missing: 5, expected: 5, patience: patience))
        return machine
    }

    /// Covers B6.
    @Test func itIsWaitedForHoweverLongAndHoweverFewAreMissingLater() throws {
        var machine = try forgotten()
        #expect(machine.run.isForgotten)
        for _ in 0..<100 {
            machine.clock += 1000
            try machine.miss(nil)
        }
        #expect(machine.run.isForgotten && machine.steps().isEmpty)
        #expect(machine.records.count { if case .notify(.stuck, _) = $0 { true } else { false } } == 1)
    }

    /// Covers B6.
    @Test(arguments: [LifecycleEvent.releaseAsked(at: 0), .resumeAsked(at: 0)])
    func onceItIsAllowedTheNextAttemptFollows(_ event: LifecycleEvent) throws {
        var machine = try forgotten()
        try machine.handle(event)
        machine.clock += 31
        try machine.miss(nil)
        guard case .queued(let queued) = machine.run.state else { Issue.record("\(machine.run.state)"); return }
        #expect(queued.attempt == 2)
    }

    /// Covers B6.
    @Test func aJobThatShowsAgainGoesOn() throws {
        var machine = try forgotten()
        machine.clock += 1000
        try machine.observe(machine.seen(.running), claims: [machine.claim()])
        #expect(!machine.run.isForgotten)
        guard case .running = machine.run.state else { Issue.record("\(machine.run.state)"); return }
    }

    /// Covers B6.
    @Test func aReceiptSettlesItWithoutAPerson() throws {
        var machine = try forgotten()
        machine.clock += 5
        let evidence = Evidence(claims: [machine.claim()], receipts: [machine.receipt(0)])
        try machine.handle(.notInQueue(evidence, lookedAt: machine.clock, settle: 0))
        #expect(machine.run.state == .finished)
    }

    /// Covers B6.
    @Test func aWishToEndItNeedsNoPermission() throws {
        var machine = try forgotten()
        try machine.handle(.cancelAsked)
        machine.clock += 1
        try machine.miss(nil)
        #expect(machine.run.state == .cancelled(elsewhere: false))
    }
}

extension Machine {
    /// A look without the job, and so many others.
    fileprivate mutating func miss(_ loss: MassLoss?) throws {
        clock += 1
        var evidence = Evidence(claims: [claim()])
        evidence.loss = loss
        try handle(.notInQueue(evidence, lookedAt: clock, settle: 0))
    }
}
