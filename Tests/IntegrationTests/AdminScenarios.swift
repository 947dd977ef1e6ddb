import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// What admins and other people do to a cluster and to jobs, past Molt.
struct AdminScenarios {
    private static let wholeNode = "gpus_per_node: 4, ranks_per_node: 1"

    /// Covers D5, X18.
    @Test func aSlurmdThatRestartsChangesNothing() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let run = try await cluster.submitCounter(to: 80)
            try await cluster.wait(for: run, step: 4)
            try await cluster.testbed("slurmd-kill", ["1"])
            try await cluster.wait(for: run, step: 24)
            try await cluster.testbed("slurmd-start", ["1"])
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 90)
            #expect(detail.attempts.flatMap(\.incarnations).count == 1)
        }
    }

    /// Covers B11.
    @Test func rereadingItsConfigurationChangesNothing() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let run = try await cluster.submitCounter(to: 60)
            try await cluster.wait(for: run, step: 2)
            for round in 1...8 {
                try await cluster.run(["scontrol", "reconfigure"])
                try await cluster.wait(for: run, step: 2 + 4 * round)
            }
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.flatMap(\.incarnations).count == 1)
        }
    }

    /// Covers A16.
    @Test func aPartitionThatGoesDownIsWaitedForWithItsReason() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let blocker = try await cluster.submitCounter(to: 10_000, name: "blocker", resources: Self.wholeNode)
            try await cluster.wait(for: blocker, step: 1)
            let run = try await cluster.submitCounter(to: 4, resources: Self.wholeNode)
            try await cluster.wait(for: run, toBe: .pending)
            try await cluster.run(["scontrol", "update", "partitionname=low", "state=down"])
            try await cluster.molt("cancel", blocker)
            try await cluster.wait(for: blocker, toBe: .cancelled)
            try await Command.until("the reason is told", within: 60) {
                try await cluster.show(run).summary.pendingReason?.contains("the partition is down") == true
            }
            let later = try await cluster.submitCounter(to: 2, resources: Self.wholeNode)
            try await cluster.wait(for: later, toBe: .pending)
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "pending", "-o", "%i"])
            #expect(jobs.lines.count == 2, "none is sent again and again")
            try await cluster.run(["scontrol", "update", "partitionname=low", "state=up"])
            for run in [run, later] {
                let detail = try await cluster.wait(for: run, toBe: .finished)
                #expect(detail.attempts.count == 1)
            }
        }
    }

    /// A partition that is drained or inactive takes no job: the next part of a chain waits until it does, and why is
    /// told.
    ///
    /// Covers A12, A16.
    @Test(arguments: ["drain", "inactive"])
    func aPartitionThatClosesBetweenTwoLinksIsWaitedFor(_ state: String) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 6) { cluster in
            let run = try await cluster.submitCounter(to: 240, partition: "short", time: nil)
            try await cluster.wait(for: run, step: 2)
            try await cluster.run(["scontrol", "update", "partitionname=short", "state=\(state)"])
            try await Command.until("the reason is told", within: 120) {
                try await cluster.show(run).summary.pendingReason?.contains("inactive or drain") == true
            }
            let waiting = try await cluster.show(run)
            #expect(waiting.summary.state == .restarting && waiting.attempts.count == 2)
            try await cluster.run(["scontrol", "update", "partitionname=short", "state=up"])
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 180)
            #expect(detail.attempts.count == 2)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...240))
        }
    }

    /// Covers D28, C9.
    @Test func aJobThatAnAdminPutsBackAndHoldsWaitsAndGoesOn() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let run = try await cluster.submitCounter(to: 60)
            try await cluster.wait(for: run, step: 4)
            let job = try await cluster.job(of: run)
            try await cluster.run(["scontrol", "requeuehold", "\(job)"])
            try await cluster.wait(for: run, toBe: .held)
            try await cluster.run(["scontrol", "release", "\(job)"])
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 120)
            #expect(detail.attempts.count == 1, "the same job")
            #expect(detail.attempts.flatMap(\.incarnations).count == 2)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...60))
        }
    }

    /// Covers C5, C6, D29.
    @Test(arguments: ["comment=mine", "jobname=mine", "timelimit=20"])
    func aJobThatSomebodyChangesStaysOurs(_ change: String) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let run = try await cluster.submitCounter(to: 60)
            try await cluster.wait(for: run, step: 4)
            let job = try await cluster.job(of: run)
            try await cluster.run(["scontrol", "update", "jobid=\(job)", change])
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.flatMap(\.incarnations).count == 1)
            #expect(detail.attempts.first?.jobID == job)
        }
    }

    /// Longer than Molt waits for a job that is missing, and through a preemption; then a cancel still finds it.
    ///
    /// Covers C5.
    @Test(arguments: ["libslurm", "commands", "rest"])
    func aChangedCommentNeverDoublesARun(_ way: String) async throws {
        let site = "backend: \(way)\nrest: {socket: $HOME/../slurm/rest.sock}\npoll: {min: 1s, max: 2s}"
        try await LiveCluster.with(["--nodes", "2", "--rest"], site: site, minutes: 4) { cluster in
            let run = try await cluster.submitCounter(to: 10_000)
            try await cluster.wait(for: run, step: 4)
            let job = try await cluster.job(of: run)
            try await cluster.run(["scontrol", "update", "jobid=\(job)", "comment=mine"])
            let start = ContinuousClock.now
            let step = try cluster.steps(of: try await cluster.show(run)).count
            while ContinuousClock.now - start < .seconds(36) {
                let jobs = try await cluster.run(["squeue", "-h", "-a", "-o", "%i"])
                try #require(jobs.lines == ["\(job)"], "nothing else goes out")
                try await Task.sleep(for: .seconds(1))
            }
            let detail = try await cluster.show(run)
            #expect(detail.summary.state == .running && detail.attempts.count == 1)
            #expect(try cluster.steps(of: detail).count > step)
            let events = try await cluster.molt("events", run).out
            #expect(events.contains("wrote over the comment of job \(job)"), "\(events)")
            try await cluster.molt("cancel", run)
            try await cluster.wait(for: run, toBe: .cancelled)
            #expect(try await cluster.field("JobState", ofJob: job) == "CANCELLED")
        }
    }

    /// Covers C8.
    @Test func aScriptThatSomebodySubmitsByHandDoesNotRunBesideTheRun() async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 3) { cluster in
            let run = try await cluster.submitCounter(to: 80)
            try await cluster.wait(for: run, step: 4)
            let script = "\(try await cluster.show(run).runFolder)/attempts/1/script.sbatch"
            let copy = try await cluster.run(["sbatch", "--parsable", script])
            let number = try #require(UInt32(copy.out.filter(\.isNumber)))
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(try cluster.steps(of: detail) == Array(1...80), "no step was made twice")
            #expect(detail.attempts.first?.jobID != number)
            try await Command.until("the copy is over", within: 30) {
                try await cluster.field("JobState", ofJob: number) != "RUNNING"
            }
        }
    }

    /// Covers B2, X1.
    @Test func aControllerThatDiesAgainAndAgainLosesAndDoublesNothing() async throws {
        // A request that ended within the second of the controller's last start may arrive for as long as this.
        try await LiveCluster.with(["--nodes", "2", "--ttl", "20"], minutes: 5) { cluster in
            var runs: [String] = []
            for round in 1...6 {
                runs.append(try await cluster.submitCounter(to: 4, name: "round\(round)"))
                try await cluster.testbed("ctld-kill")
                runs.append(try await cluster.submitCounter(to: 4, name: "while\(round)"))
                try await cluster.testbed("ctld-start")
            }
            for run in runs {
                let detail = try await cluster.wait(for: run, toBe: .finished, within: 150)
                #expect(Set(try cluster.steps(of: detail)) == Set(1...4))
                #expect(detail.attempts.filter { $0.outcome == "finished" }.count == 1)
            }
        }
    }
}
