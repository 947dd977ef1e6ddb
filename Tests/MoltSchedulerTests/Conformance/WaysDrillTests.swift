import MoltCore
import MoltScheduler
import MoltTesting
import Testing

/// Faults that are made on purpose, and how a waiting job stands, by each way to speak to Slurm. The user of these
/// testbeds is their operator.
@Suite struct WaysDrillTests {
    private static let ways = [BackendKind.slurm, .commands, .rest]

    /// Covers D14.
    @Test(arguments: ways)
    func aTimeLimitIsBroughtNearAndAnOutagePasses(_ kind: BackendKind) async throws {
        let (backend, testbed) = try await SlurmFixture.own(kind)
        defer { backend.keep() }
        let job = try await backend.submit("sleep 300") { $0.timeLimit = 3600 }, scheduler = backend.scheduler
        try await job.wait { $0.state == .running }
        let foreign = await failure { try await scheduler.inject(.endOfTime, into: job.job, key: .random()) }
        #expect(foreign == "keyMismatch")
        #expect(try await job.status()?.timeLimit == 3600)
        try await scheduler.inject(.endOfTime, into: job.job, key: job.key)
        #expect(try await job.status()?.timeLimit == 120)
        try await scheduler.inject(.outage(2), into: job.job, key: job.key)
        #expect(await failure { try await scheduler.ping() } == "unavailable")
        #expect(await failure { _ = try await scheduler.loadJobs() } == "unavailable")
        #expect(await failure { _ = try await backend.submit("true") } == "unavailable")
        #expect(await eventually(within: 10) { (try? await scheduler.ping()) != nil })
        #expect(testbed.slurm(["squeue", "-h", "-a", "-t", "all", "-o", "%i"]).output == "\(job.job)\n")
    }

    /// Covers D6.
    @Test(arguments: ways)
    func aNodeIsLostOnPurposeUnlessOthersRunOnIt(_ kind: BackendKind) async throws {
        let (backend, testbed) = try await SlurmFixture.own(kind, ["--nodes", "2"])
        defer { backend.keep() }
        let job = try await backend.submit("sleep 300"), scheduler = backend.scheduler
        try await job.wait { $0.state == .running }
        let node = try #require(try await job.status()?.nodes.first)
        let elsewhere = node == "n1" ? "n2" : "n1"
        let wrong = await failure { try await scheduler.inject(.nodeDown(elsewhere), into: job.job, key: job.key) }
        #expect(wrong == "wrongState")
        let other = try await backend.submit("sleep 300") { $0.options["nodelist"] = node }
        try await other.wait { $0.state == .running }
        let shared = await failure { try await scheduler.inject(.nodeDown(node), into: job.job, key: job.key) }
        #expect(shared == "later")
        #expect(try await job.status()?.state == .running)
        try await scheduler.cancel(other.job, key: other.key)
        _ = try await other.waitForEnd()
        // Somebody's drain is not ended.
        func set(_ state: String) {
            _ = testbed.slurm(["scontrol", "update", "nodename=\(node)", "reason=x", "state=\(state)"])
        }
        set("drain")
        #expect(await failure { try await scheduler.inject(.nodeDown(node), into: job.job, key: job.key) } == "later")
        #expect(testbed.slurm(["sinfo", "-h", "-n", node, "-p", "low", "-o", "%T"]).output.hasPrefix("drain"))
        set("resume")
        try await scheduler.inject(.nodeDown(node), into: job.job, key: job.key)
        #expect(try await job.status()?.restartCount == 1)
        #expect(try await eventually(within: 20, every: 0.5) {
            try await scheduler.configuration().nodes.allSatisfy(\.responds)
        })
    }

    @Test(arguments: ways)
    func aWaitingJobIsToldHowItStands(_ kind: BackendKind) async throws {
        let (backend, _) = try await SlurmFixture.own(kind)
        defer { backend.keep() }
        var jobs: [Submitted] = []
        for _ in 0..<4 { jobs.append(try await backend.submit("sleep 300") { $0.cpusPerRank = 4 }) }
        try await jobs[0].wait { $0.state == .running }
        for job in jobs.dropFirst() { try await job.wait { $0.state == .pending && $0.reason != "None" } }
        #expect(try await backend.scheduler.ranking(jobs[0].job) == nil, "it does not wait")
        for (place, job) in jobs.dropFirst().enumerated() {
            let ranking = try #require(try await backend.scheduler.ranking(job.job))
            #expect(ranking.ahead == place && ranking.usersAhead == 0 && ranking.rule == "priority/basic")
        }
    }
}
