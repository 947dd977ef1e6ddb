import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Submission, ends, and what can be seen of a job: the same on every backend.
@Suite struct LifeTests {
    /// Covers X31.
    @Test(arguments: BackendKind.andRestAlone)
    func aJobRunsAndCompletes(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("echo hello")
        let end = try await job.waitForEnd()
        #expect(end.state == .complete)
        #expect(end.exitWord == 0)
        #expect(end.restartCount == 0)
        #expect(job.output.contains("hello"))
    }

    /// Covers D1.
    @Test(arguments: BackendKind.andRestAlone, [1, 75, 78, 137] as [Int32])
    func theExitStatusIsReported(_ kind: BackendKind, _ code: Int32) async throws {
        let end = try await kind.open().submit("exit \(code)").waitForEnd()
        #expect(end.state == .failed)
        #expect(end.exitStatus == code)
        #expect(end.exitSignal == 0)
    }

    /// Covers D1.
    @Test(arguments: BackendKind.andRestAlone)
    func aDeathBySignalIsReported(_ kind: BackendKind) async throws {
        let end = try await kind.open().submit("kill -SEGV $$").waitForEnd()
        #expect(end.state == .failed)
        #expect(end.exitSignal == 11)
    }

    @Test(arguments: BackendKind.andRestAlone)
    func theStatusTellsWhoseJobItIsAndWhereItRuns(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("sleep 30") { $0.timeLimit = 600 }
        let running = try await job.wait { $0.state == .running }
        #expect(running.key == job.key)
        #expect(running.name == job.request.name)
        #expect(running.partition == "low")
        #expect(running.nodes.count == 1)
        #expect(running.timeLimit == 600)
        let started = try #require(running.startedAt), ends = try #require(running.endsAt)
        #expect(abs(ends - started - 600) < 2)
        await job.end()
    }

    @Test(arguments: BackendKind.andRestAlone)
    func anUnknownJobIsNil(_ kind: BackendKind) async throws {
        #expect(try await kind.open().scheduler.load(4_000_000) == nil)
    }

    /// Covers X31.
    @Test(arguments: BackendKind.andRestAlone)
    func theTableListsOurJobs(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        let first = try await backend.submit("sleep 30"), second = try await backend.submit("true")
        defer { backend.keep() }
        let table = try await backend.scheduler.loadJobs()
        let keys = Set(table.jobs.compactMap(\.key))
        #expect(keys.isSuperset(of: [first.key, second.key]))
        #expect(Set(table.jobs.map(\.userID)).count == 1)
        #expect(table.asOf > 1_700_000_000)
        await first.end()
    }

    /// Covers X20.
    @Test(arguments: BackendKind.andRestAlone)
    func anEndedJobIsForgottenAfterAWhile(_ kind: BackendKind) async throws {
        let job = try await kind.open(patient: true).submit("true")
        _ = try await job.waitForEnd()
        #expect(try await job.status() != nil)
        let isGone = try await eventually(within: 100, every: 1) { try await job.status() == nil }
        #expect(isGone)
        await #expect(throws: SchedulerError.notFound(job: job.job)) {
            try await job.scheduler.cancel(job.job, key: job.key)
        }
    }

    @Test(arguments: BackendKind.andRestAlone)
    func theSchedulerAnswersAPing(_ kind: BackendKind) async throws {
        let backend = try await kind.open()
        defer { backend.keep() }
        try await backend.scheduler.ping()
    }

    @Test(arguments: BackendKind.allCases)
    func theConfigurationNamesPartitionsAndNodes(_ kind: BackendKind) async throws {
        let configuration = try await kind.open().scheduler.configuration()
        let low = try #require(configuration.partitions.first { $0.name == "low" })
        let high = try #require(configuration.partitions.first { $0.name == "high" })
        let short = try #require(configuration.partitions.first { $0.name == "short" })
        #expect(low.isDefault && low.isUp && low.preemptMode == "REQUEUE" && low.graceTime == 0)
        #expect(high.preemptMode == "OFF" && high.priorityTier > low.priorityTier && high.timeLimit == nil)
        #expect(short.timeLimit == 60)
        #expect(configuration.partitions.first { $0.name == "low20" }?.graceTime ?? 0 > 0)
        #expect(!low.nodes.isEmpty && Set(low.nodes) == Set(configuration.nodes.map(\.name)))
        #expect(configuration.nodes.allSatisfy { $0.responds && $0.gpus == 4 && $0.cpus == 4 && $0.memory > 1 << 30 })
        #expect(configuration.jobsRequeue && configuration.killWait == Backend.killWait)
        #expect(configuration.requeueDelay == Backend.requeueDelay && configuration.minimumJobAge == 20)
    }

    @Test(arguments: BackendKind.andRestAlone)
    func theEnvironmentPassesLiterally(_ kind: BackendKind) async throws {
        let value = "a \"b\" 'c' `d` $(touch /tmp/never) \\ \n#SBATCH -t 1\n%x ü\u{1F600}\t; exit 9"
        let job = try await kind.open().submit("printf %s \"$MOLT_TEST\" > $CASE.value; echo x > $CASE.done") {
            $0.environment["MOLT_TEST"] = value
        }
        try await job.waitForNote("done")
        #expect(job.note("value") == value)
    }

    @Test(arguments: BackendKind.andRestAlone)
    func theBatchShellFindsSlurmsVariables(_ kind: BackendKind) async throws {
        let job = try await kind.open().submit("env > $CASE.env; pwd > $CASE.pwd; umask > $CASE.umask") {
            $0.ranksPerNode = 2
            $0.gpusPerNode = 2
            $0.timeLimit = 120
        }
        _ = try await job.waitForEnd()
        var found: [String: String] = [:]
        for line in job.note("env").split(separator: "\n") {
            let sides = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2 { found[String(sides[0])] = String(sides[1]) }
        }
        #expect(found["SLURM_JOB_ID"] == "\(job.job)")
        #expect(found["SLURM_JOB_NAME"] == job.request.name)
        #expect(found["SLURM_JOB_PARTITION"] == "low")
        #expect(found["SLURM_JOB_NUM_NODES"] == "1")
        #expect(found["SLURM_NTASKS"] == "2")
        #expect(found["SLURM_PROCID"] == "0")
        #expect(found["SLURM_RESTART_COUNT"] == nil)
        #expect(found["SLURM_SUBMIT_DIR"] == job.request.workingDirectory)
        #expect(found["SLURM_JOB_NODELIST"]?.isEmpty == false)
        #expect(found["CUDA_VISIBLE_DEVICES"]?.split(separator: ",").count == 2)
        #expect(found["HOME"] != nil && found["USER"] != nil && found["PATH"] != nil)
        #expect(job.note("pwd") == job.request.workingDirectory + "\n")
        #expect(job.note("umask") == "0077\n")
    }

    @Test(arguments: BackendKind.allCases)
    func aJobWithoutRoomWaitsAndSaysWhy(_ kind: BackendKind) async throws {
        let backend = try await kind.open(alone: true)
        let first = try await backend.submit(backend.requestAlone("sleep 60"))
        try await first.wait { $0.state == .running }
        let second = try await backend.submit(backend.requestAlone("true"))
        let waiting = try await second.wait { $0.reasonCode == 3 || $0.reasonCode == 1 }
        #expect(waiting.state == .pending && ["Resources", "Priority"].contains(waiting.reason))
        await first.end()
        let end = try await second.waitForEnd()
        #expect(end.state == .complete)
    }
}
