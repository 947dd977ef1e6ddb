import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Time limits and preemption: the same on every backend.
@Suite struct LimitTests {
    /// Covers X13.
    @Test(arguments: BackendKind.allCases)
    func theTimeLimitWarnsTheWorkersAndThenEndsTheJob(_ kind: BackendKind) async throws {
        let job = try await kind.open(patient: true).submit(
            """
            trap 'echo batch >> $CASE.warned' USR1
            $worker bash -c 'trap "date +%s >> $CASE.warned" USR1; echo up > $CASE.up
              for i in {1..3000}; do sleep 0.1; done' &
            while :; do wait; done
            """
        ) {
            // Slurm counts in minutes.
            $0.timeLimit = kind.isSlurm ? 60 : 20
            $0.warning = .init(signal: 10, secondsBefore: kind.isSlurm ? 30 : 15)
        }
        try await job.waitForNote("up")
        let end = try await job.waitForEnd(150)
        #expect(end.state == .timeout)
        #expect(!job.note("warned").isEmpty && !job.note("warned").contains("batch"))
    }

    @Test(arguments: BackendKind.allCases)
    func aLimitAboveThePartitionsWaits(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("true") {
            $0.partition = "short"
            $0.timeLimit = 7200
        }
        let waiting = try await job.wait { $0.reasonCode == 5 }
        #expect(waiting.state == .pending && waiting.reason == "PartitionTimeLimit")
        await job.end()
    }

    /// Covers D9, X9.
    @Test(arguments: BackendKind.allCases)
    func highPreemptsLowWhichComesBack(_ kind: BackendKind) async throws {
        let backend = try await kind.open(alone: true)
        let low = try await backend.submit(
            backend.requestAlone("echo x >> $CASE.starts; [ -n \"$SLURM_RESTART_COUNT\" ] || sleep 300"))
        try await low.waitForNote("starts")
        let high = try await backend.submit(
            backend.requestAlone("echo up > $CASE.up; until [ -e $CASE.go ]; do sleep 0.1; done") {
                $0.partition = "high"
            })
        try await low.wait { $0.state == .pending && $0.restartCount == 1 }
        try await high.waitForNote("up")
        #expect(try await low.status()?.state == .pending)
        try high.tell("go")
        #expect(try await high.waitForEnd().state == .complete)
        let end = try await low.waitForEnd(60)
        #expect(end.state == .complete && end.restartCount == 1)
        #expect(low.note("starts") == "x\nx\n")
    }

    /// Covers D9, X8.
    @Test(arguments: BackendKind.allCases)
    func withinTheGraceTheWorkersMaySaveAndTheirExitCounts(_ kind: BackendKind) async throws {
        let backend = try await kind.open(alone: true)
        let low = try await backend.submit(
            backend.requestAlone(
                """
                $worker bash -c 'trap "echo saved > $CASE.saved; exit 75" TERM; echo up > $CASE.up
                  for i in {1..3000}; do sleep 0.1; done'
                exit $?
                """
            ) { $0.partition = "low20" })
        try await low.waitForNote("up")
        let high = try await backend.submit(backend.requestAlone("sleep 1") { $0.partition = "high" })
        let end = try await low.waitForEnd(60)
        // Slurm 22.05 does not put a job back that ends by itself within the grace.
        #expect(end.state == .failed && end.exitStatus == 75 && end.restartCount == 0)
        #expect(low.note("saved") == "saved\n")
        #expect(try await high.waitForEnd(60).state == .complete)
    }

    /// Covers D9, X8.
    @Test(arguments: BackendKind.allCases)
    func afterTheGraceTheJobIsPutBack(_ kind: BackendKind) async throws {
        let backend = try await kind.open(alone: true)
        let low = try await backend.submit(
            backend.requestAlone(
                """
                trap : TERM
                echo x >> $CASE.starts
                [ -z "$SLURM_RESTART_COUNT" ] || exit 0
                $worker bash -c 'trap "echo term >> $CASE.term" TERM; echo up > $CASE.up
                  for i in {1..3000}; do sleep 0.1; done'
                """
            ) { $0.partition = "low20" })
        try await low.waitForNote("up")
        let high = try await backend.submit(backend.requestAlone("sleep 1") { $0.partition = "high" })
        try await low.waitForNote("term")
        let during = try #require(try await low.status())
        #expect(during.state == .running && during.preemptedAt != nil)
        try await low.wait(90) { $0.state == .pending && $0.restartCount == 1 }
        #expect(try await high.waitForEnd(60).state == .complete)
        let end = try await low.waitForEnd(60)
        #expect(end.state == .complete && end.restartCount == 1)
    }
}
