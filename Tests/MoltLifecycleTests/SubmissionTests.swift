import MoltCore
import MoltLifecycle
import Testing

/// A job exists at most once per key, whatever is lost on the way.
struct SubmissionTests {
    /// Covers A10.
    @Test func theNormalPathConfirmsAfterTheControllerHasSavedItsState() throws {
        var machine = Machine()
        #expect(machine.steps() == [.openAttempt(1)])
        try machine.handle(.intentRecorded(key: machine.key))
        let attempt = try #require(machine.run.attempt)
        #expect(machine.steps() == [.send(attempt)])
        try machine.handle(.sendingStarted(at: 1000))
        #expect(machine.steps().isEmpty, "nothing is sent twice while the outcome is open")
        try machine.handle(.acknowledged(job: 7, at: 1000))
        try machine.observe(machine.seen(.pending))
        #expect(machine.run.job?.isConfirmed == false)
        machine.clock += 6
        try machine.observe(machine.seen(.pending))
        #expect(machine.run.job?.isConfirmed == true)
    }

    /// Covers A5.
    @Test func aDaemonThatDiedWhileSendingAdoptsTheJobItFinds() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.daemonStarted(at: 1000))
        #expect(machine.steps().isEmpty)
        try machine.observe(machine.seen(.running), claims: [machine.claim()])
        #expect(machine.run.job?.id == 7)
    }

    /// Covers A4, A8.
    @Test func anOpenOutcomeIsSentAgainOnlyAfterItCannotArriveAnyMore() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.outcomeUnknown(message: "timeout"))
        let attempt = try #require(machine.run.attempt)
        try machine.handle(.notInQueue(Evidence(), lookedAt: 1299, settle: 300))
        #expect(machine.steps().isEmpty)
        try machine.handle(.notInQueue(Evidence(), lookedAt: 1300, settle: 300))
        machine.clock = 1300
        #expect(machine.steps() == [.send(attempt)])
        #expect(machine.run.attempt?.key == machine.key, "the same key: a late arrival would be found")
    }

    /// Covers A5.
    @Test func aClaimProvesThatAnOpenSubmissionArrived() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.outcomeUnknown(message: "timeout"))
        try machine.handle(.notInQueue(Evidence(claims: [machine.claim()]), lookedAt: 2000, settle: 300))
        #expect(machine.run.job?.id == 7)
        #expect(machine.steps().isEmpty)
    }

    /// Covers A10.
    @Test func aLostAcknowledgementIsSentAgainUnderTheSameKey() throws {
        var machine = Machine()
        try machine.submit()
        let attempt = try #require(machine.run.attempt)
        try machine.handle(.notInQueue(Evidence(), lookedAt: 1001, settle: 300))
        #expect(machine.steps() == [.send(attempt)])
        #expect(machine.run.lastAttempt == 1)
    }

    @Test func aLookThatBeganBeforeTheAcknowledgementProvesNothing() throws {
        var machine = Machine()
        try machine.submit()
        try machine.handle(.notInQueue(Evidence(), lookedAt: 999, settle: 300))
        #expect(machine.run.job?.id == 7)
    }

    /// Covers A13.
    @Test func aRefusalEndsTheRunAtOnce() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.refused(message: "invalid partition"))
        #expect(machine.run.state == .failed("the scheduler refused the job: invalid partition"))
        #expect(machine.steps().isEmpty)
    }

    /// Covers A13.
    @Test func aRefusalOfALaterAttemptWaitsForAPerson() throws {
        var machine = Machine()
        try machine.submit()
        try machine.observe(machine.seen(.running))
        try machine.observe(machine.seen(.nodeFail))
        machine.clock += 1000
        guard case .queued(let queued) = machine.run.state else {
            Issue.record("\(machine.run.state)")
            return
        }
        #expect(queued.attempt == 2)
        try machine.handle(.intentRecorded(key: .random()))
        try machine.handle(.sendingStarted(at: machine.clock))
        let records = try machine.run.handle(.refused(message: "Invalid account"))
        #expect(machine.run.state == .stuck("the scheduler refused the job: Invalid account"))
        #expect(records.contains(.notify(.stuck, "the scheduler refused the job: Invalid account")))
        #expect(machine.steps().isEmpty)
        try machine.handle(.resumeAsked(at: machine.clock))
        #expect(machine.steps() == [.openAttempt(3)])
    }

    /// Covers A12.
    @Test func pausesGrowToFiveMinutesAndLieApart() {
        let keys = (0..<1000).map { _ in AttemptKey.random() }
        for times in 1...40 {
            let whole = min(300, 15 * Double(1 << min(times - 1, 10)))
            let pauses = keys.map { LifecycleLimits.postponement(times: times, key: $0) }
            #expect(pauses.allSatisfy { $0 > whole / 2 && $0 <= whole })
            // A tenth of the time that they may fall into gets about a tenth of them.
            let tenth = pauses.filter { $0 > whole * 0.95 }.count
            #expect((40...180).contains(tenth), "\(tenth) of 1000 after \(times)")
            #expect(LifecycleLimits.postponement(times: times, key: keys[0]) == pauses[0], "it follows from the key")
        }
        #expect(LifecycleLimits.postponement(times: 0, key: keys[0]) <= 15)
        #expect(LifecycleLimits.postponement(times: .max, key: keys[0]) <= 300)
    }

    /// Covers A12.
    @Test func laterMeansLater() throws {
        var machine = Machine()
        try machine.handle(.intentRecorded(key: machine.key))
        try machine.handle(.sendingStarted(at: 1000))
        try machine.handle(.postponed(message: "queue full", until: 1015))
        #expect(machine.steps().isEmpty)
        machine.clock = 1015
        #expect(machine.steps().count == 1)
    }

    /// Covers A11.
    @Test func anotherJobWithTheKeyOfAnotherAttemptIsNotOurs() throws {
        var machine = Machine()
        try machine.submit()
        var stranger = machine.seen(.running)
        stranger.key = AttemptKey.random()
        let before = machine.run
        try machine.observe(stranger)
        #expect(machine.run == before)
    }
}
