import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// The numbers of jobs come round: what Molt knew under one may be somebody else's by the time it acts.
struct ReuseScenarios {
    private static let runs = 6
    /// Numbers from 1000 to 1019, so that the fifteenth job after the runs has the first one's.
    private static let others = 14

    private static var rounds: Int {
        ProcessInfo.processInfo.environment["MOLT_TEST_ROUNDS"].flatMap { Int($0) } ?? 1
    }

    /// Tells of any signal.
    private static let stranger = """
        #!/bin/sh
        trap 'echo hit >>"$1"' TERM USR1 USR2 INT CONT
        while [ ! -e "$2" ]; do sleep 0.1; done
        """

    /// Covers A11, B7, C1, N6, N8.
    @Test func whoHasTheNumberOfARunsJobIsLeftAlone() async throws {
        let options = ["--nodes", "2", "--cpus", "8", "--set", "FirstJobId=1000", "--set", "MaxJobId=1020"]
        try await LiveCluster.with(options + ["--set", "MinJobAge=2"], minutes: 5 * Self.rounds) { cluster in
            try await cluster.write(Self.stranger, to: "stranger.sh")
            var reused = 0.0
            for round in 1...Self.rounds { reused += try await Self.reuse(cluster, round) }
            Trial.report("N6", ["numbers used again": reused, "jobs of others touched": 0])
        }
    }

    private static func reuse(_ cluster: LiveCluster, _ round: Int) async throws -> Double {
        var runs: [String] = [], jobs: [UInt32] = []
        for number in 1...Self.runs {
            runs.append(try await cluster.submitCounter(to: 100_000, name: "run\(round)-\(number)"))
        }
        for run in runs {
            try await cluster.wait(for: run, step: 1)
            jobs.append(try await cluster.job(of: run))
        }
        // All of this passes unseen by the daemon.
        try await cluster.signalDaemon(SIGKILL)
        try await cluster.run(["scancel"] + jobs.map { "\($0)" })
        try await forgotten(cluster)
        let hits = "\(cluster.folder)/home/hits\(round)", enough = "\(cluster.folder)/home/enough\(round)"
        let strangers = try await Self.strangers(cluster, with: Set(jobs), [hits, enough])
        #expect(strangers == Set(jobs))
        let cancelled = runs.prefix(runs.count / 2), others = runs.dropFirst(cancelled.count)
        try await cluster.molt("daemon", "start")
        for run in cancelled { try await cluster.molt("cancel", run) }
        for run in cancelled { try await cluster.wait(for: run, toBe: .cancelled) }
        // Nobody saw how these ended, only that they were not done.
        for run in others {
            try await Command.until("run \(run) has another job", within: 90) {
                try await cluster.show(run).attempts.count > 1
            }
        }
        for run in runs { #expect(try await cluster.show(run).summary.state != .finished) }
        for run in others { try await cluster.molt("cancel", run) }
        for run in others { try await cluster.wait(for: run, toBe: .cancelled) }
        for job in strangers { #expect(try await cluster.field("JobState", ofJob: job) == "RUNNING") }
        #expect(!FileManager.default.fileExists(atPath: hits))
        try await cluster.run(["touch", enough])
        try await forgotten(cluster)
        return Double(strangers.count)
    }

    /// Slurm knows no job any more.
    private static func forgotten(_ cluster: LiveCluster) async throws {
        try await Command.until("all jobs are forgotten", within: 90, every: 0.5) {
            try await cluster.run(["squeue", "-h", "-a", "-t", "all", "-o", "%i"]).lines.isEmpty
        }
    }

    /// Other jobs until each number has been given again; those that only took the numbers between are ended.
    private static func strangers(
        _ cluster: LiveCluster, with numbers: Set<UInt32>, _ arguments: [String]
    ) async throws -> Set<UInt32> {
        var found: Set<UInt32> = []
        for _ in 0..<(2 * others) where found != numbers {
            let options = ["--parsable", "--hold", "-p", "high", "-o", "/dev/null"]
            let output = try await cluster.run(
                ["sbatch"] + options + ["\(cluster.folder)/stranger.sh"] + arguments)
            let job = try #require(UInt32(output.out.filter(\.isNumber)))
            if numbers.contains(job) {
                found.insert(job)
            } else {
                try await cluster.run(["scancel", "\(job)"])
            }
        }
        for job in found {
            try await cluster.run(["scontrol", "release", "\(job)"])
            try await Command.until("job \(job) runs", within: 30) {
                try await cluster.field("JobState", ofJob: job) == "RUNNING"
            }
        }
        return found
    }
}
