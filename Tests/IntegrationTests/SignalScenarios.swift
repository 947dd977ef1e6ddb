import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

/// N11: many runs are preempted at once, with and without grace, and each saves exactly once; and what a user cancels
/// past Molt, whenever that is, does not come back.
struct SignalScenarios {
    /// Counts five times a second and saves nothing but on the signal, of which more than one comes: Slurm tells every
    /// process, and molt-job its ranks. `saves` tells who saved, and with what.
    private static let saver = """
        dir=$MOLT_CHECKPOINT_DIR
        count=$(cat "$dir/count" 2>/dev/null || echo 0)
        save() {
            trap '' TERM USR1
            echo "$MOLT_EPOCH $count" >>"$dir/saves"
            echo "$count" >"$dir/count.tmp" && mv "$dir/count.tmp" "$dir/count"
            exit 75
        }
        trap save TERM USR1
        while [ ! -e "$1" ]; do
            count=$((count + 1))
            echo "$MOLT_EPOCH $count" >>"$dir/counted"
            echo "{\\"step\\": $count, \\"steps\\": 100000, \\"loss\\": 1}" >>"$MOLT_PROGRESS_FILE"
            sleep 0.2 & wait $!
        done
        """

    private static let nodes = 5
    private static let runsANode = 5
    /// Runs that are cancelled soon after they were submitted. Fifty a trial of a soak, with half of the others.
    private static let shortLived = Trial.isSoak ? 38 : 12

    /// Covers N11, D26.
    @Test func everyPreemptedRunSavesOnceAndRepeatsNothing() async throws {
        try await LiveCluster.with(["--nodes", "\(Self.nodes)", "--cpus", "8"], minutes: 8) { cluster in
            try await cluster.write(Self.saver, to: "saver.sh")
            var runs: [String] = []
            for number in 0..<(Self.nodes * Self.runsANode) {
                runs.append(try await cluster.submit(
                    command: ["/bin/sh", "\(cluster.folder)/saver.sh", "\(cluster.folder)/enough"], name: "r\(number)",
                    partition: number % 2 == 0 ? "low" : "low20", resources: "cpus_per_rank: 1"))
            }
            for round in 1...2 {
                try await Self.wait(for: runs, toCountIn: round, on: cluster)
                try await cluster.run([
                    "sbatch", "--wait", "-p", "high", "-N", "\(Self.nodes)", "--ntasks-per-node=1", "-c", "8", "-o",
                    "/dev/null", "--wrap", "true",
                ])
            }
            try await Self.wait(for: runs, toCountIn: 3, on: cluster)
            // Half of the runs of both partitions.
            let cancelled = runs.enumerated().filter { $0.offset % 4 < 2 }.map(\.element)
            var attempts = try await Self.cancel(cancelled, on: cluster)
            try await cluster.run(["touch", "\(cluster.folder)/enough"])
            var saved = 0
            for run in runs where !cancelled.contains(run) {
                saved += try Self.check(try await cluster.wait(for: run, toBe: .finished, within: 120))
            }
            let early = try await Self.submitWaiting(to: cluster)
            attempts.merge(try await Self.cancel(early, on: cluster)) { $1 }
            for run in cancelled + early {
                let detail = try await cluster.wait(for: run, toBe: .cancelled)
                #expect(detail.attempts.count == attempts[run], "\(detail)")
                if cancelled.contains(run) { saved += try Self.check(detail) }
            }
            let left = try await cluster.run(["squeue", "-h", "-a", "-t", "pending,running", "-o", "%i %j"]).lines
            #expect(left.isEmpty, "\(left)")
            #expect(saved == 2 * runs.count)
            Trial.report("N11", [
                "preemptions": Double(2 * runs.count), "saved": Double(saved),
                "cancelled by scancel": Double(cancelled.count + early.count), "of them put back": 0,
            ])
        }
    }

    /// Runs of which there is room for ten; the others wait.
    private static func submitWaiting(to cluster: LiveCluster) async throws -> [String] {
        var runs: [String] = []
        for number in 0..<shortLived {
            runs.append(try await cluster.submitCounter(
                to: 10_000, name: "c\(number)", resources: "cpus_per_rank: 4"))
        }
        return runs
    }

    /// A user's scancel, one after the other, at moments drawn from the seed; none of the jobs is put back.
    /// - Returns: how many attempts each run had by then.
    private static func cancel(_ runs: [String], on cluster: LiveCluster) async throws -> [String: Int] {
        var numbers = Trial.numbers("N11"), attempts: [String: Int] = [:]
        var wanted: [(job: String, restarts: String)] = []
        for run in runs.shuffled(using: &numbers) {
            let job = try await cluster.job(of: run)
            attempts[run] = try await cluster.show(run).attempts.count
            let restarts = try #require(try await cluster.field("Restarts", ofJob: job))
            try await Task.sleep(for: .milliseconds(Int.random(in: 0..<200, using: &numbers)))
            try await cluster.run(["scancel", "\(job)"])
            wanted.append(("JobId=\(job)", " Restarts=\(restarts) "))
        }
        let cancelled = wanted
        try await Command.until("the cancelled jobs are over", within: 60, every: 0.5) {
            let all = try await cluster.run(["scontrol", "-o", "-a", "show", "jobs"]).lines
            return try cancelled.allSatisfy { job, restarts in
                guard let record = all.first(where: { $0.split(separator: " ").first ?? "" == job }) else {
                    throw CommandFailed(description: "Slurm knows \(job) no more")
                }
                guard record.contains(restarts) else { throw CommandFailed(description: "put back: \(record)") }
                return record.contains(" JobState=CANCELLED ")
            }
        }
        return attempts
    }

    private static func wait(for runs: [String], toCountIn epoch: Int, on cluster: LiveCluster) async throws {
        try await Command.until("every run counts in epoch \(epoch)", within: 180, every: 1) {
            try runs.allSatisfy { run in
                try lines("counted", of: "\(cluster.folder)/runs/\(run)").contains { $0.first == epoch }
            }
        }
    }

    /// - Returns: how many of the two preempted incarnations saved.
    private static func check(_ run: RunDetail) throws -> Int {
        let saves = try lines("saves", of: run.runFolder)
        #expect(saves.map(\.first) == saves.map(\.first).uniqued(), "one save an incarnation: \(saves)")
        let counted = try lines("counted", of: run.runFolder).compactMap(\.last)
        #expect(counted == Array(1...counted.count), "nothing was counted twice or left out")
        #expect(run.attempts.flatMap(\.incarnations).dropLast().allSatisfy { $0.outcome == Cause.preempted })
        // The last incarnation of a cancelled run saves as well.
        return saves.count { ($0.first ?? 0) <= 2 }
    }

    private static func lines(_ name: String, of runFolder: String) throws -> [[Int]] {
        let path = "\(RunFolder(path: runFolder).checkpoints)/\(name)"
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return String(decoding: try DurableFile.read(path), as: UTF8.self).split(separator: "\n")
            .map { $0.split(separator: " ").compactMap { Int($0) } }
    }
}

extension [Int?] {
    fileprivate func uniqued() -> [Int?] {
        var seen: Set<Int?> = []
        return filter { seen.insert($0).inserted }
    }
}
