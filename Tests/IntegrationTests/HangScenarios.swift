import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Runs that do not advance, and jobs that are dead while Slurm calls them running.
struct HangScenarios {
    /// Two ranks that wait for each other at each step, and tell a step before they store it; with `stops`, rank 1
    /// stops itself at step 8 of the first epoch.
    private static let lockstep = """
        say() { echo "$1" >>"$MOLT_PROGRESS_FILE"; }
        meet=$MOLT_RUN_DIR/meet-$MOLT_EPOCH; mkdir -p "$meet"
        file=$MOLT_CHECKPOINT_DIR/count
        count=$(cat "$file" 2>/dev/null || echo 0)
        say '{"kind":"phase","phase":"step"}'
        while [ "$count" -lt "$1" ]; do
            count=$((count + 1))
            : >"$meet/$count.$RANK"
            until [ -e "$meet/$count.0" ] && [ -e "$meet/$count.1" ]; do sleep 0.05; done
            say "{\\"kind\\":\\"step\\",\\"step\\":$count,\\"seconds\\":0.1}"
            [ "$RANK" = 0 ] && { echo "$count" >"$file.tmp"; mv "$file.tmp" "$file"; }
            [ "$2.$MOLT_EPOCH.$RANK.$count" = stops.1.1.8 ] && { date +%s.%N >"$MOLT_RUN_DIR/stopped"; kill -STOP $$; }
            sleep 0.05
        done
        """

    /// Seconds that a step may take, and more that it may take on a busy machine until that is noticed: molt-job looks
    /// once a second.
    private static let patience = 4.0, margin = 8.0

    private func submit(_ arguments: [String], nodes: Int, to cluster: LiveCluster) async throws -> String {
        try await cluster.write(Self.lockstep, to: "lockstep.sh")
        let command = ["/bin/sh", "\(cluster.folder)/lockstep.sh"] + arguments
        try await cluster.write(
            """
            name: lockstep
            task: command
            command: \(String(decoding: try JSONEncoder().encode(command), as: UTF8.self))
            resources: {nodes: \(nodes), ranks_per_node: \(2 / nodes), partition: low, time: 10m}
            policy: {patience: {step: \(Int(Self.patience))s}}
            """, to: "lockstep.yaml")
        let output = try await cluster.molt("submit", "\(cluster.folder)/lockstep.yaml", "--site", "bed", "--json")
        return try JSONDecoder().decode(Submitted.self, from: Data(output.out.utf8)).id
    }

    /// A rank that is stopped on another node than molt-job.
    ///
    /// Covers I1, N15.
    @Test func aStoppedRankIsFoundLoggedAndTheRunGoesOn() async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 3) { cluster in
            let run = try await submit(["40", "stops"], nodes: 2, to: cluster)
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 120)
            #expect(detail.attempts.map(\.outcome) == ["no-progress", "finished"])
            #expect(detail.attempts.first?.reason?.contains("rank 1 on n2: T (stopped)") == true)
            let folder = "\(detail.runFolder)/attempts/1/0"
            for rank in 0...1 {
                let log = String(decoding: try DurableFile.read("\(folder)/rank-\(rank).log"), as: UTF8.self)
                let state = try #require(Self.state(in: log), "\(log)")
                #expect(rank == 1 ? state == "T" : "RSDTt".contains(state), "\(log)")
                #expect(log.contains("waits in"))
            }
            let late = try Self.secondsUntilFound(in: detail.runFolder) - Self.patience
            #expect(late > -1 && late < Self.margin, "found \(late) s after the bound")
            Trial.report("N15", ["found on a cluster after the bound s": late])
            #expect(Set(try cluster.steps(of: detail)) == Set(1...40))
        }
    }

    /// The state letter of the rank's own process, if it was there to be looked at: the kernel names its number.
    private static func state(in log: String) -> Character? {
        guard let part = log.split(separator: "state of the worker (pid ").dropFirst().first else { return nil }
        let lines = part.split(separator: "\n"), pid = part.prefix { $0 != ")" }
        guard lines.contains("Pid:\t\(pid)") else { return nil }
        return lines.first { $0.hasPrefix("State:\t") }?.dropFirst("State:\t".count).first
    }

    /// From when the rank stopped itself to when molt-job said so.
    private static func secondsUntilFound(in runFolder: String) throws -> Double {
        let text = { (path: String) in String(decoding: try DurableFile.read("\(runFolder)/\(path)"), as: UTF8.self) }
        let stopped = try #require(Double(try text("stopped").filter { !$0.isNewline }))
        let found = try text("events/1-job.jsonl").split(separator: "\n")
            .compactMap { try? JSONDecoder().decode(RunEvent.self, from: Data($0.utf8)) }
            .first { $0.kind == .note && $0.message?.contains("no progress") == true }
        return try #require(found?.at) - stopped
    }

    /// `scancel --signal=STOP` stops the ranks, and Slurm goes on calling the job running.
    ///
    /// Covers D11.
    @Test func aSuspendedJobIsNotAHang() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 3) { cluster in
            let run = try await submit(["150", ""], nodes: 1, to: cluster)
            try await cluster.wait(for: run, step: 4)
            let job = try await cluster.job(of: run)
            for _ in 1...2 {
                try await cluster.run(["scancel", "--signal=STOP", "\(job)"])
                let clock = ContinuousClock(), end = clock.now + .seconds(12)
                try await Command.until("three times the patience is over", within: 20) { clock.now > end }
                try await cluster.run(["scancel", "--signal=CONT", "\(job)"])
                let step = try await cluster.show(run).summary.step ?? 0
                try await cluster.wait(for: run, step: step + 2)
            }
            let detail = try await cluster.wait(for: run, toBe: .finished)
            #expect(detail.attempts.flatMap(\.incarnations).count == 1)
        }
    }

    /// Without its slurmstepd a job looks running for half an hour.
    ///
    /// Covers D4, X17.
    @Test(arguments: ["batch", "all"])
    func aJobWithoutItsKeeperIsReplaced(_ what: String) async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let run = try await cluster.submitCounter(to: 120)
            try await cluster.wait(for: run, step: 10)
            let job = try await cluster.job(of: run)
            #expect(try cluster.kill("[\(job).batch]") == 1)
            if what == "all" {
                // And nothing that could save or tell.
                _ = try cluster.kill("[\(job).0]") + cluster.kill("molt-job") + cluster.kill("/counter.sh")
            }
            #expect(try await cluster.field("JobState", ofJob: job) == "RUNNING")
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 150)
            #expect(detail.attempts.count == 2)
            #expect(Set(try cluster.steps(of: detail)) == Set(1...120))
        }
    }

    private struct Submitted: Decodable {
        let id: String
    }
}
