import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

/// How soon a preempted run's program is back once its node is free, on a Slurm with its own default settings.
struct HandOverScenarios {
    private static let trials = 10

    /// Tells when it began in the first line that it writes.
    private static let stamper = """
        echo "$(date +%s.%N)" >>"$MOLT_CHECKPOINT_DIR/began"
        trap 'exit 75' TERM USR1
        count=0
        while [ ! -e "$1" ]; do
            count=$((count + 1))
            echo "{\\"step\\": $count, \\"steps\\": 100000, \\"loss\\": 1}" >>"$MOLT_PROGRESS_FILE"
            sleep 0.1 & wait $!
        done
        """

    /// The job that takes the node stays for some seconds, longer than the daemon takes to let the other one begin. How
    /// long is drawn: Slurm's scheduler looks at a node that became free a second later, unless it has run within the
    /// last three (batch_sched_delay), and it runs soon after each start and each order.
    ///
    /// Covers N12.
    @Test func aFreeNodeIsUsedWithinSeconds() async throws {
        try await LiveCluster.with(["--nodes", "1", "--defaults"], minutes: 8) { cluster in
            try await cluster.write(Self.stamper, to: "stamper.sh")
            let run = try await cluster.submit(
                command: ["/bin/sh", "\(cluster.folder)/stamper.sh", "\(cluster.folder)/enough"], name: "victim",
                resources: "cpus_per_rank: 4")
            var seconds: [Double] = [], numbers = Trial.numbers("hand-over")
            for trial in 1...Self.trials {
                try await Self.wait(for: run, toBegin: trial, on: cluster)
                let stay = Int.random(in: 4...12, using: &numbers)
                // The job's last act: its node is free a moment later.
                let end = "\(cluster.folder)/home/end\(trial)"
                try await cluster.run([
                    "sbatch", "--wait", "-p", "high", "-N", "1", "-c", "4", "-o", "/dev/null", "--wrap",
                    "sleep \(stay); date +%s.%N > \(end)",
                ])
                try await Self.wait(for: run, toBegin: trial + 1, on: cluster)
                let free = try #require(Self.times(end).first)
                seconds.append(try #require(Self.began(run, cluster).last) - free)
            }
            try await cluster.run(["touch", "\(cluster.folder)/enough"])
            let detail = try await cluster.wait(for: run, toBe: .finished)
            let incarnations = detail.attempts.flatMap(\.incarnations)
            #expect(incarnations.count == Self.trials + 1, "no job started twice, none for nothing")
            #expect(try Self.began(run, cluster).count == Self.trials + 1)
            #expect(incarnations.dropLast().allSatisfy { $0.outcome == Cause.preempted }, "\(incarnations)")
            seconds.sort()
            let median = (seconds[Self.trials / 2 - 1] + seconds[Self.trials / 2]) / 2
            Trial.report("hand-over", ["median s": median, "p95 s": seconds[Self.trials - 1]])
            #expect(median <= 2, "seconds from the free node to the first line: \(seconds)")
            #expect(seconds[Self.trials - 1] <= 5, "\(seconds)")
        }
    }

    private static func wait(for run: String, toBegin count: Int, on cluster: LiveCluster) async throws {
        try await Command.until("incarnation \(count) has begun", within: 60, every: 0.1) {
            try began(run, cluster).count >= count
        }
    }

    private static func began(_ run: String, _ cluster: LiveCluster) throws -> [Double] {
        try times("\(RunFolder(path: "\(cluster.folder)/runs/\(run)").checkpoints)/began")
    }

    private static func times(_ path: String) throws -> [Double] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        return String(decoding: try DurableFile.read(path), as: UTF8.self).split(separator: "\n")
            .compactMap { Double($0) }
    }
}
