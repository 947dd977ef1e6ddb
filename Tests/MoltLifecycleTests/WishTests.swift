import MoltCore
import MoltLifecycle
import Testing

/// What people ask for.
struct WishTests {
    @Test func cancellingBeforeTheJobExistsEndsTheRunAtOnce() throws {
        var machine = Machine()
        try machine.handle(.cancelAsked)
        #expect(machine.run.state == .cancelled(elsewhere: false))
    }

    @Test func cancellingALiveRunEndsItsJobFirst() throws {
        var machine = Machine()
        try machine.start()
        try machine.handle(.cancelAsked)
        #expect(machine.run.isActive)
        #expect(machine.steps() == [.cancel(job: 7, machine.key)])
        try machine.observe(machine.seen(.cancelled, .completing))
        #expect(machine.run.isActive)
        try machine.observe(machine.seen(.cancelled), receipts: [machine.receipt(75)])
        #expect(machine.run.state == .cancelled(elsewhere: false))
    }

    @Test func stoppingALiveRunAsksItsWorkersAndPauses() throws {
        var machine = Machine()
        try machine.start()
        try machine.handle(.stopAsked)
        #expect(machine.steps() == [.stop(job: 7, machine.key)])
        try machine.observe(
            machine.seen(.failed) { $0.exitStatus = 75 }, claims: [machine.claim()], receipts: [machine.receipt(75)])
        #expect(machine.run.state == .paused)
        try machine.handle(.resumeAsked(at: machine.clock))
        #expect(machine.steps() == [.openAttempt(2)])
    }

    @Test func aRunThatFinishesWhileItIsStoppedIsFinished() throws {
        var machine = Machine()
        try machine.start()
        try machine.handle(.stopAsked)
        try machine.observe(machine.seen(.complete), claims: [machine.claim()], receipts: [machine.receipt(0)])
        #expect(machine.run.state == .finished)
    }

    @Test func holdingARunThatIsAboutToBeSubmittedKeepsItBack() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.postponed(message: "later", until: 1100))
        machine.clock = 1200
        try machine.handle(.holdAsked)
        #expect(machine.run.state == .held)
        #expect(machine.steps().isEmpty)
        try machine.handle(.releaseAsked(at: 1300))
        machine.clock = 1300
        #expect(machine.steps() == [.openAttempt(2)])
    }

    @Test func aHoldDuringASubmissionThatFailsKeepsItBack() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.holdAsked)
        try machine.handle(.postponed(message: "later", until: 1100))
        #expect(machine.run.state == .held)
    }

    /// Going back to an earlier checkpoint must not make the way forward count as standing still.
    @Test func resumingFromAnEarlierStepCountsProgressFromThere() throws {
        var machine = Machine()
        try machine.submit()
        try machine.observe(
            machine.seen(.timeout), claims: [machine.claim()], receipts: [machine.receipt(75)], committed: 10_000)
        try machine.handle(.stopAsked)
        try machine.handle(.resumeAsked(at: machine.clock, fromStep: 5_000))
        for round in 1...4 {
            try machine.submit()
            try machine.observe(
                machine.seen(.timeout), claims: [machine.claim()], receipts: [machine.receipt(75)],
                committed: 5_000 + round * 1_000)
        }
        #expect(machine.run.isActive)
        #expect(machine.run.budget.fruitlessLinks == 0)
    }

    @Test func stoppingAWaitingRunTakesItOutOfTheQueue() throws {
        var machine = Machine()
        try machine.submit()
        try machine.observe(machine.seen(.pending, reason: "Resources"))
        try machine.handle(.stopAsked)
        #expect(machine.steps() == [.cancel(job: 7, machine.key)])
        try machine.observe(machine.seen(.cancelled))
        #expect(machine.run.state == .paused)
    }

    @Test func aWaitingRunIsHeldInTheQueueAndReleased() throws {
        var machine = Machine()
        try machine.submit()
        try machine.observe(machine.seen(.pending, reason: "Priority"))
        try machine.handle(.holdAsked)
        #expect(machine.steps() == [.hold(job: 7, machine.key)])
        try machine.observe(machine.seen(.pending, reason: "JobHeldUser"))
        #expect(machine.steps().isEmpty)
        try machine.handle(.releaseAsked(at: machine.clock))
        #expect(machine.steps() == [.unhold(job: 7, machine.key)])
        try machine.observe(machine.seen(.pending, reason: "Priority"))
        #expect(machine.steps().isEmpty)
    }

    @Test func aHoldDuringARunTakesEffectBeforeTheNextAttempt() throws {
        var machine = Machine()
        try machine.start()
        try machine.handle(.holdAsked)
        #expect(machine.steps().isEmpty)
        try machine.observe(
            machine.seen(.failed), claims: [machine.claim()], receipts: [machine.receipt(75)], committed: 5)
        #expect(machine.run.state == .held)
        try machine.handle(.releaseAsked(at: machine.clock))
        #expect(machine.steps() == [.openAttempt(2)])
    }

    @Test func whatTheStateDoesNotAllowIsSaid() throws {
        var machine = Machine()
        try machine.start()
        #expect(throws: InvalidTransition.self) { try machine.handle(.resumeAsked(at: 0)) }
        #expect(throws: InvalidTransition.self) { try machine.handle(.releaseAsked(at: 0)) }
        try machine.observe(machine.seen(.complete), receipts: [machine.receipt(0)])
        for event in [LifecycleEvent.cancelAsked, .stopAsked, .holdAsked, .resumeAsked(at: 0), .releaseAsked(at: 0)] {
            #expect(throws: InvalidTransition.self) { try machine.handle(event) }
        }
    }

    @Test func lateNewsAboutAnEndedRunChangeNothing() throws {
        var machine = Machine()
        try machine.start()
        try machine.observe(machine.seen(.complete), receipts: [machine.receipt(0)])
        let before = machine.run
        try machine.observe(machine.seen(.running, restart: 1))
        try machine.handle(.notInQueue(Evidence(), lookedAt: 9000, settle: 0))
        #expect(machine.run == before)
    }
}

extension WishTests {
    @Test(arguments: [LifecycleEvent.cancelAsked, .stopAsked])
    func neitherAReleaseNorAHoldUndoesACancelOrAStop(_ wish: LifecycleEvent) throws {
        var machine = Machine()
        try machine.submit()
        machine.clock += 1
        try machine.observe(machine.seen(.pending, reason: "JobHeldAdmin"))
        try machine.handle(wish)
        #expect(throws: InvalidTransition.self) { try machine.handle(.releaseAsked(at: machine.clock)) }
        #expect(throws: InvalidTransition.self) { try machine.handle(.holdAsked) }
        #expect(machine.steps() == [.cancel(job: 7, machine.key)])
    }
}

extension WishTests {
    /// A run that has saved and waits only for its job to go, and a user who changes their mind.
    @Test(arguments: [
        (LifecycleEvent.cancelAsked, RunLifecycle.State.cancelled(elsewhere: false)),
        (.stopAsked, .paused),
    ])
    func theLastWishCountsWhileAJobIsGoing(_ wish: LifecycleEvent, _ end: RunLifecycle.State) throws {
        var machine = try closing()
        try machine.handle(wish)
        try machine.observe(machine.seen(.cancelled, restart: 1))
        #expect(machine.run.state == end)
    }

    @Test func aRunThatIsResumedWhileItsJobIsGoingGoesOn() throws {
        var machine = try closing()
        try machine.handle(.resumeAsked(at: machine.clock))
        try machine.observe(machine.seen(.cancelled, restart: 1))
        #expect(machine.steps() == [.openAttempt(2)])
    }

    /// Stopped, saved, and put back into the queue by Slurm.
    private func closing() throws -> Machine {
        var machine = Machine()
        try machine.start()
        try machine.handle(.stopAsked)
        machine.clock += 10
        try machine.observe(
            machine.seen(.pending, restart: 1, reason: "BeginTime"), claims: [machine.claim()],
            receipts: [machine.receipt(75, signal: 15)])
        guard case .closing(_, .pause) = machine.run.state else {
            Issue.record("\(machine.run.state)")
            return machine
        }
        machine.clock += 1
        return machine
    }
}
