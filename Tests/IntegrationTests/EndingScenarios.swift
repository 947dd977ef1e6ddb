import MoltAPI
import MoltCore
import Testing

/// Each way in which a job can end leads to what the design says, on a real Slurm.
struct EndingScenarios {
    private func once(_ cluster: LiveCluster, then code: Int) -> [String] {
        let mark = "\(cluster.folder)/runs/first-\(code)"
        return ["/bin/sh", "-c", "if mkdir \(mark) 2>/dev/null; then exit \(code); fi; exit 0"]
    }

    /// Covers D1.
    @Test(arguments: [75, 77, 80])
    func anAttemptThatAsksForAnotherGetsOne(_ code: Int) async throws {
        try await LiveCluster.with(minutes: 2) { cluster in
            let run = try await cluster.submit(command: once(cluster, then: code), name: "ends")
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.count == 2)
            let nodes = detail.attempts.map { $0.incarnations.first?.nodes ?? [] }
            if code == 77 { #expect(nodes.first != nodes.last, "an unfit node is not used again") }
        }
    }

    /// Covers D1.
    @Test func aWrongRecipeStopsAtOnce() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 2) { cluster in
            let run = try await cluster.submit(
                command: ["/bin/sh", "-c", "echo the data is missing >&2; exit 78"], name: "wrong")
            let detail = try await cluster.wait(for: run, toBe: .failed)
            #expect(detail.attempts.count == 1)
            #expect(detail.summary.lastError?.isEmpty == false)
        }
    }

    /// Covers D1, I6.
    @Test func aCrashingRankIsTriedAgainWithinItsBudget() async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 3) { cluster in
            let run = try await cluster.submit(
                command: ["/bin/sh", "-c", "[ $RANK = 1 ] && kill -SEGV $$; sleep 30"], name: "crash",
                resources: "ranks_per_node: 2", extra: "policy: {max_crashes: 2}")
            let detail = try await cluster.wait(for: run, toBe: .failed, within: 100)
            #expect(detail.attempts.count == 2)
            #expect(detail.summary.lastError?.contains("1") == true, "the rank is named")
        }
    }

    /// Covers D26, X10.
    @Test func aJobCancelledElsewhereIsNeverBroughtBack() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 2) { cluster in
            let run = try await cluster.submitCounter(to: 10000)
            try await cluster.wait(for: run, step: 2)
            let job = try await cluster.job(of: run)
            try await cluster.run(["scancel", "\(job)"])
            let detail = try await cluster.wait(for: run, toBe: .cancelled)
            #expect(detail.attempts.count == 1)
            #expect(try await cluster.field("JobState", ofJob: job) == "CANCELLED")
        }
    }

    @Test func aHeldRunWaitsUntilItIsReleased() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 2) { cluster in
            let blocker = try await cluster.submitCounter(to: 10000, name: "blocker", resources: "gpus_per_node: 4")
            try await cluster.wait(for: blocker, step: 1)
            let run = try await cluster.submitCounter(to: 4, name: "held", resources: "gpus_per_node: 4")
            try await cluster.wait(for: run, toBe: .pending)
            try await cluster.molt("hold", run)
            try await cluster.wait(for: run, toBe: .held)
            try await cluster.molt("cancel", blocker)
            try await cluster.wait(for: blocker, toBe: .cancelled)
            #expect(try await cluster.show(run).summary.state == .held)
            try await cluster.molt("release", run)
            try await cluster.wait(for: run, toBe: .finished)
        }
    }

    @Test func aStoppedRunPausesAndResumesWhereItWas() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 2) { cluster in
            let run = try await cluster.submitCounter(to: 24)
            try await cluster.wait(for: run, step: 4)
            try await cluster.molt("stop", run)
            let paused = try await cluster.wait(for: run, toBe: .paused)
            #expect((paused.summary.step ?? 0) < 24)
            try await cluster.molt("resume", run)
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...24))
        }
    }

    @Test func codesThatTheSiteRequeuesByItselfAreRemapped() async throws {
        try await LiveCluster.with(["--nodes", "1", "--set", "RequeueExit=75-80"], minutes: 3) { cluster in
            let run = try await cluster.submit(command: ["/bin/sh", "-c", "exit 78"], name: "requeued")
            let detail = try await cluster.wait(for: run, toBe: .failed)
            #expect(detail.attempts.count == 1)
            #expect(detail.attempts.first?.incarnations.count == 1)
        }
    }

    /// With its slurmd killed as well, the node goes on running the old incarnation until that sees that it is fenced
    /// out.
    ///
    /// Covers D6, X15, X16.
    @Test(arguments: [["node-down"], ["slurmd-kill", "node-down"]])
    func aLostNodeCostsNothingButTheStep(_ faults: [String]) async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 4) { cluster in
            let run = try await cluster.submitCounter(to: 120)
            try await cluster.wait(for: run, step: 4)
            let node = try #require(try await cluster.show(run).attempts.last?.incarnations.last?.nodes.first)
            for fault in faults { try await cluster.testbed(fault, [String(node.dropFirst())]) }
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 180)
            #expect(detail.attempts.flatMap(\.incarnations).count == 2)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...120))
        }
    }
}
