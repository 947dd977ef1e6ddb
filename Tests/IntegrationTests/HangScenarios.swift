import FoundationEssentials
import MoltAPI
import MoltCore
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
            [ "$2.$MOLT_EPOCH.$RANK.$count" = stops.1.1.8 ] && kill -STOP $$
            sleep 0.05
        done
        """

    private func submit(_ arguments: [String], nodes: Int, to cluster: LiveCluster) async throws -> String {
        try await cluster.write(Self.lockstep, to: "lockstep.sh")
        let command = ["/bin/sh", "\(cluster.folder)/lockstep.sh"] + arguments
        try await cluster.write(
            """
            name: lockstep
            task: command
            command: \(String(decoding: try JSONEncoder().encode(command), as: UTF8.self))
            resources: {nodes: \(nodes), ranks_per_node: \(2 / nodes), partition: low, time: 10m}
            policy: {patience: {step: 4s}}
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
                #expect(log.contains("state of the worker") && log.contains("waits in"))
            }
            #expect(Set(try cluster.steps(of: detail)) == Set(1...40))
        }
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
