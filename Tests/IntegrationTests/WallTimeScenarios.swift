import MoltAPI
import MoltCore
import Testing

/// Runs that need longer than one allocation lasts.
struct WallTimeScenarios {
    /// Without a time in the recipe it is the partition's limit, which only the controller knows.
    ///
    /// Covers D14.
    @Test(arguments: ["1m", nil])
    func aRunContinuesPastItsTimeLimit(_ time: String?) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 6) { cluster in
            let run = try await cluster.submitCounter(to: 320, partition: "short", time: time)
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 300)
            #expect(detail.attempts.count >= 2)
            #expect(detail.attempts.first?.incarnations.last?.outcome == Cause.wallTime)
            try Self.expectSavedInTime(detail)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...320))
        }
    }

    /// With nobody to submit the next attempt, the job puts itself back: its own deadline is the cause.
    ///
    /// Covers D14.
    @Test(arguments: ["1m", nil])
    func aDeadDaemonDoesNotEndTheChain(_ time: String?) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 8) { cluster in
            let run = try await cluster.submitCounter(to: 320, partition: "short", time: time)
            try await cluster.wait(for: run, step: 2)
            let job = try await cluster.job(of: run)
            #expect(try cluster.kill("moltd") == 1)
            let folder = "\(cluster.folder)/runs/\(run)"
            try await Command.until("two links have run without a daemon", within: 320, every: 1) {
                (try? cluster.counted(in: folder)) == 320
            }
            #expect(try await cluster.field("Restarts", ofJob: job) == "1")
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.count == 1)
            #expect(detail.attempts.flatMap(\.incarnations).count == 2)
        }
    }

    /// Slurm tells no job that its limit has changed.
    ///
    /// Covers D14, D29.
    @Test func aLimitThatIsLoweredMeanwhileIsSavedBefore() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 8) { cluster in
            let run = try await cluster.submitCounter(to: 480, time: "30m")
            try await cluster.wait(for: run, step: 2)
            let job = try await cluster.job(of: run)
            try await cluster.run(["scontrol", "update", "jobid=\(job)", "timelimit=2"])
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 360)
            #expect(detail.attempts.count == 2)
            #expect(detail.attempts.first?.incarnations.last?.outcome == Cause.wallTime)
            try Self.expectSavedInTime(detail)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...480))
        }
    }

    /// The first attempt ended by itself, before its limit and without a signal of Slurm's.
    private static func expectSavedInTime(_ detail: RunDetail) throws {
        let folder = RunFolder(path: detail.runFolder)
        let claim = try JSONFile.read(Claim.self, from: folder.claim(epoch: 1))
        let receipt = try JSONFile.read(Receipt.self, from: folder.receipt(key: claim.key, incarnation: 0))
        #expect(receipt.exitCode == JobExit.continueMe.rawValue && receipt.stopSignal == nil, "\(receipt)")
    }
}
