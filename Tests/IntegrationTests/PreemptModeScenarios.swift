import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// What else than requeueing a site may have Slurm do to the jobs that it preempts: cancel or suspend them.
struct PreemptModeScenarios {
    /// Without the line that would save on a signal: SIGTERM ends it, with a status that looks like a crash.
    private static let deaf = LiveCluster.counter.split(separator: "\n").filter { !$0.hasPrefix("trap") }
        .joined(separator: "\n")

    /// Three at once: one that saves when it is told to, one that dies of it, and one with time to end by itself, which
    /// Slurm then calls failed. A crash would end each of them for good.
    ///
    /// Covers D10.
    @Test func whatIsPreemptedByCancellationComesBackAsANewJob() async throws {
        try await LiveCluster.with(["--nodes", "1", "--preempt-mode", "CANCEL"], minutes: 4) { cluster in
            try await cluster.write(Self.deaf, to: "deaf.sh")
            let one = "cpus_per_rank: 1", noCrash = "policy: {max_crashes: 1}"
            var victims: [String] = []
            for (name, script, partition) in [
                ("saves", "counter.sh", "low"), ("dies", "deaf.sh", "low"), ("grace", "counter.sh", "low20"),
            ] {
                victims.append(
                    try await cluster.submit(
                        command: ["/bin/sh", "\(cluster.folder)/\(script)", "32"], name: name, partition: partition,
                        resources: one, extra: noCrash))
            }
            for run in victims { try await cluster.wait(for: run, step: 3) }
            var jobs: [UInt32] = []
            for run in victims { jobs.append(try await cluster.job(of: run)) }
            try await cluster.run(["sbatch", "-p", "high", "-c", "4", "-o", "/dev/null", "--wrap", "sleep 1"])
            for (job, state) in zip(jobs, ["PREEMPTED", "PREEMPTED", "FAILED"]) {
                try await Command.until("Slurm calls job \(job) \(state)", within: 30) {
                    try await cluster.field("JobState", ofJob: job) == state
                }
            }
            for (run, job) in zip(victims, jobs) {
                let detail = try await cluster.wait(for: run, toBe: .finished)
                #expect(detail.attempts.map(\.outcome) == [Cause.preempted, "finished"], "\(detail)")
                #expect(detail.attempts.first?.jobID == job && detail.attempts.last?.jobID != job)
                #expect(detail.attempts.flatMap(\.incarnations).count == 2)
                // Nothing was counted twice but the step under way, nothing was left out.
                let steps = try cluster.steps(of: detail)
                #expect(Set(steps) == Set(1...32) && steps.count <= 33, "\(steps)")
                let end = try await cluster.why(run).ends.first
                #expect(end?.cause == Cause.preempted, "\(String(describing: end))")
                #expect(end?.decision == "attempt 2 follows at once (not counted against the run)")
            }
            let words = try await cluster.run(["molt", "why", victims[1]]).out
            #expect(words.contains("jobs of a higher priority needed its nodes (preempted)"), "\(words)")
        }
    }

    /// Four steps a second, each with its time, as our own engine tells them.
    static let stepper = """
        say() { echo "{\\"t\\":$(date +%s.%N),$1}" >>"$MOLT_PROGRESS_FILE"; }
        file=$MOLT_CHECKPOINT_DIR/count
        count=$(cat "$file" 2>/dev/null || echo 0)
        say '"kind":"phase","phase":"step"'
        while [ "$count" -lt "$1" ]; do
            sleep 0.25
            count=$((count + 1))
            say "\\"kind\\":\\"step\\",\\"step\\":$count,\\"seconds\\":0.25"
            echo "$count" >"$file.tmp"; mv "$file.tmp" "$file"
        done
        """

    /// Suspended for longer than a step may take, by a job of the high partition; resumed when that is over.
    ///
    /// Covers D11.
    @Test func whatIsPreemptedBySuspensionIsNoHangAndGoesOn() async throws {
        try await LiveCluster.with(["--nodes", "1", "--preempt-mode", "SUSPEND"], minutes: 4) { cluster in
            try await cluster.write(Self.stepper, to: "stepper.sh")
            let run = try await cluster.submit(
                command: ["/bin/sh", "\(cluster.folder)/stepper.sh", "32"], name: "stepper",
                resources: "cpus_per_rank: 4", extra: "policy: {patience: {step: 3s}}")
            try await cluster.wait(for: run, step: 4)
            let job = try await cluster.job(of: run)
            try await cluster.run(["sbatch", "-p", "high", "-c", "4", "-o", "/dev/null", "--wrap", "sleep 9"])
            try await Command.until("the run is shown as suspended", within: 30) {
                try await cluster.show(run).summary.pendingCode == "Suspended"
            }
            #expect(try await cluster.field("JobState", ofJob: job) == "SUSPENDED")
            let told = try await cluster.why(run)
            #expect(told.state == .running && told.waiting?.code == "Suspended" && told.waiting?.since == nil)
            #expect(told.next == "it goes on when the scheduler lets it; silence meanwhile is not taken for a hang")
            #expect(try await cluster.molt("ls").out.contains("suspended by the scheduler"))
            let before = try await cluster.show(run).summary.step ?? 0
            #expect(before < 32)
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.summary.pendingCode == nil)
            #expect(detail.attempts.map(\.outcome) == ["finished"] && detail.attempts.first?.incarnations.count == 1)
            #expect(try cluster.steps(of: detail) == Array(1...32), "no step was taken again")
            let line = try await cluster.costs().lines.first { $0.key == run }
            let stall = (line?.stall ?? 0) * 3600, productive = (line?.productive ?? 0) * 3600
            #expect(stall > 6 && stall < 20, "the time in which it was suspended: \(stall) s")
            #expect(productive > 4 && productive < 16, "\(productive) s of 8 s of steps")
            #expect(line?.interruptions == 0)
        }
    }
}

extension LiveCluster {
    func why(_ run: String) async throws -> RunExplanation {
        let output = try await molt("why", run, "--json")
        return try JSONDecoder().decode(RunExplanation.self, from: Data(output.out.utf8))
    }

    func costs() async throws -> CostSummary {
        try JSONDecoder().decode(CostSummary.self, from: Data(try await molt("report", "--json").out.utf8))
    }
}
