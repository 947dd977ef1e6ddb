import FoundationEssentials
import MoltCore
import MoltJob
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The fence while the file system does not answer: no look may hold up what ends an old incarnation.
struct FenceGuardTests {
    private let folder = TemporaryFolder("fence")

    private func makePipe(_ path: String) throws { try #require(mkfifo(path, 0o600) == 0) }

    /// Its look never returns, as nobody ever writes to the pipe; what is returned besides lets it go.
    private func hanging(lease: Double) throws -> (FenceGuard, end: () -> Void) {
        let path = folder("pipe")
        try makePipe(path)
        let fence = FenceGuard(epoch: 3, lease: lease, folder: "/run/epochs", now: 0) {
            close(open(path, O_RDONLY))
            return .success(3)
        }
        return (fence, { close(open(path, O_RDWR)) })
    }

    /// Covers D8.
    @Test func aLookThatNeverComesBackCountsAgainstTheLease() throws {
        let (fence, end) = try hanging(lease: 30)
        defer { end() }
        for second in 1...30 {
            #expect(fence.tick(now: Double(second)) == .none)
            #expect(fence.finding(now: Double(second)) == .owner)
        }
        guard case .cutOff(let text) = fence.finding(now: 30.5) else {
            Issue.record("goes on without an answer")
            return
        }
        #expect(text.contains("/run/epochs") && text.contains("timed out"), "\(text)")
        // Nobody acts on it: whoever should is held up as well.
        #expect(fence.tick(now: 33) == .none)
        #expect(fence.tick(now: 34) == .killRanks)
        #expect(fence.tick(now: 90) == .killRanks)
        #expect(fence.tick(now: 91) == .exit(JobExit.fileTrouble))
    }

    @Test func whoActsOnItIsNotDisturbedUntilItHasTakenTooLong() throws {
        let (fence, end) = try hanging(lease: 2)
        defer { end() }
        for tenth in 0...21 { _ = fence.tick(now: Double(tenth) / 10) }
        #expect(fence.finding(now: 2.1) != .owner)
        fence.acted()
        #expect(fence.tick(now: 6) == .none)
        #expect(fence.tick(now: 6.2) == .exit(JobExit.fileTrouble), "a short lease ends all of it sooner")
    }

    @Test func aProcessThatWasStoppedHasItsLeaseAgain() throws {
        let (fence, end) = try hanging(lease: 30)
        defer { end() }
        #expect(fence.finding(now: 1) == .owner)
        for second in stride(from: 5000.0, through: 5031, by: 1) { #expect(fence.finding(now: second) == .owner) }
        #expect(fence.finding(now: 5032) != .owner)
    }

    /// Covers D8.
    @Test func aHigherEpochIsFoundByALookOnItsOwn() throws {
        let fence = FenceGuard(epoch: 3, lease: 30, folder: "/run/epochs", now: 0) { .success(4) }
        let clock = ContinuousClock(), deadline = clock.now + .seconds(20)
        while fence.finding(now: 6) == .owner, clock.now < deadline { usleep(1000) }
        #expect(fence.finding(now: 6) == .fenced(epoch: 4))
        #expect(fence.tick(now: 10) == .killRanks)
        #expect(fence.tick(now: 67) == .exit(JobExit.fenced.rawValue))
    }

    @Test func whatWasSeenIsBelievedFromWhenTheLookBegan() {
        var watch = FenceWatch(epoch: 3, lease: 30, now: 0)
        #expect(watch.look(.success(3), asOf: 5, now: 25) == .owner)
        let gone = FileError("read folder", "/run/epochs", code: 116)
        #expect(watch.look(.failure(gone), now: 35) == .owner)
        guard case .cutOff = watch.look(.failure(gone), now: 36) else {
            Issue.record("a slow look renewed the lease by more than it saw")
            return
        }
    }

    /// The file that every look opens never opens.
    ///
    /// Covers D8.
    @Test func ranksWhoseRunFolderDoesNotAnswerEndAfterTheLease() throws {
        let job = try JobFixture("trap '' TERM; echo $$ > ready; while :; do sleep 0.02; done")
        job.plan.lease = 2
        try job.start()
        #expect(job.waitFor("ready"))
        try hang(job.run.epochs + "/newest")
        #expect(job.end(within: 20) == JobExit.fileTrouble)
        let receipt = try job.receipt()
        #expect(receipt.exitCode == JobExit.fileTrouble && receipt.reason.contains("cut off"), "\(receipt.reason)")
    }

    /// Neither the looks come back nor molt-job itself, which reads what its ranks have written.
    ///
    /// Covers D8.
    @Test func ranksEndThoughMoltJobItselfIsHeldUp() throws {
        let job = try JobFixture("trap '' TERM; echo $$ > ready; while :; do sleep 0.02; done")
        job.plan.lease = 2
        try job.start()
        #expect(job.waitFor("ready"))
        let rank = try #require(Int32(job.text(job.folder("ready")).filter { $0 != "\n" }))
        try hang(job.run.events + "/1-0.jsonl")
        try hang(job.run.epochs + "/newest")
        #expect(job.end(within: 30) == JobExit.fileTrouble)
        #expect(job.poll(3) { !ProcessState.exists(rank) }, "the rank lives on")
        #expect(throws: (any Error).self, "it had no way to leave one") { try job.receipt() }
    }

    /// Puts a pipe there that nobody writes to.
    private func hang(_ path: String) throws {
        try makePipe(path + ".pipe")
        try #require(rename(path + ".pipe", path) == 0)
    }
}
