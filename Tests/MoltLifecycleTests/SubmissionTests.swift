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
