import MoltCore
import MoltLifecycle
import Testing

/// Two jobs with one key: sent twice, or submitted once more by hand.
struct DuplicateTests {
    private let machine = Machine()

    private func job(_ id: UInt32, _ base: JobObservation.Base, restart: Int = 0) -> JobObservation {
        machine.seen(base, restart: restart) { $0.job = id }
    }

    private func claim(_ job: UInt32, epoch: Int, incarnation: Int = 0) -> Claim {
        Claim(
            key: machine.key, epoch: epoch, attempt: 1, incarnation: incarnation, jobID: job, host: "n1",
            process: ProcessIdentity(bootID: "b", pid: 1, startTicks: 1), claimedAt: 1000)
    }

    private func receipt(_ code: Int32, epoch: Int, incarnation: Int = 0) -> Receipt {
        Receipt(
            key: machine.key, incarnation: incarnation, epoch: epoch, exitCode: code, reason: "", startedAt: 1000,
            endedAt: 1010)
    }

    @Test func beforeAnyClaimTheFirstThatLivesIsKept() {
        let jobs = [job(9, .pending), job(8, .running), job(7, .cancelled)]
        #expect(DuplicateJobs.kept(jobs, Evidence())?.job == 8)
        #expect(DuplicateJobs.kept([job(9, .failed), job(8, .failed)], Evidence())?.job == 8)
        #expect(DuplicateJobs.kept([], Evidence()) == nil)
    }

    /// Covers C8.
    @Test func theNewestOwnerIsKept() {
        let both = Evidence(claims: [claim(9, epoch: 2), claim(7, epoch: 1)])
        #expect(DuplicateJobs.kept([job(7, .running), job(9, .running)], both)?.job == 9)
        let first = Evidence(claims: [claim(7, epoch: 1)])
        #expect(DuplicateJobs.kept([job(7, .running), job(9, .running)], first)?.job == 7)
        // Another attempt's claim says nothing about these.
        var foreign = claim(9, epoch: 3)
        foreign.key = AttemptKey.random()
        let mixed = Evidence(claims: [claim(7, epoch: 1), foreign])
        #expect(DuplicateJobs.kept([job(7, .running), job(9, .running)], mixed)?.job == 7)
    }

    /// Whatever a copy still does: what happened to the owner happened to the run.
    ///
    /// Covers C8.
    @Test(arguments: [JobObservation.Base.cancelled, .failed, .nodeFail, .timeout])
    func aLivingCopyDoesNotUndoTheOwnersEnd(_ base: JobObservation.Base) {
        let evidence = Evidence(claims: [claim(7, epoch: 1)])
        #expect(DuplicateJobs.kept([job(7, base), job(8, .pending, restart: 1)], evidence)?.job == 7)
    }

    /// The job that was cancelled first also has a claim; the later one finished the run.
    ///
    /// Covers C8.
    @Test func whatIsDoneIsKnownByItsEpoch() {
        let evidence = Evidence(
            claims: [claim(7, epoch: 1), claim(8, epoch: 2, incarnation: 1)],
            receipts: [receipt(75, epoch: 1), receipt(0, epoch: 2, incarnation: 1)])
        #expect(DuplicateJobs.kept([job(7, .cancelled), job(8, .complete, restart: 1)], evidence)?.job == 8)
        let reversed = Evidence(
            claims: [claim(7, epoch: 1), claim(8, epoch: 2)],
            receipts: [receipt(0, epoch: 1), receipt(75, epoch: 2)])
        #expect(DuplicateJobs.kept([job(7, .complete), job(8, .failed)], reversed)?.job == 7)
    }

    /// It was put back into the queue, or has not started yet; meanwhile a copy took the run and was ended by us.
    ///
    /// Covers C8.
    @Test func aCopyThatWasEndedDoesNotEndTheJobThatGoesOn() {
        let both = Evidence(
            claims: [claim(7, epoch: 1), claim(8, epoch: 2)], receipts: [receipt(75, epoch: 1), receipt(75, epoch: 2)])
        #expect(DuplicateJobs.kept([job(7, .pending, restart: 1), job(8, .cancelled)], both)?.job == 7)
        let copyOnly = Evidence(claims: [claim(8, epoch: 1)])
        #expect(DuplicateJobs.kept([job(7, .pending), job(8, .cancelled)], copyOnly, followed: 7)?.job == 7)
        // While the copy lives it is the owner.
        #expect(DuplicateJobs.kept([job(7, .pending), job(8, .running)], copyOnly, followed: 7)?.job == 8)
    }

    @Test func anOwnerThatTheSchedulerHasForgottenLeavesTheRunToWhatLives() {
        let evidence = Evidence(claims: [claim(5, epoch: 1)])
        #expect(DuplicateJobs.kept([job(7, .cancelled), job(8, .running)], evidence)?.job == 8)
    }
}
