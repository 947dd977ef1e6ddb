import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Hand-written jobs on a real Slurm: the plugin tells of them, or `molt adopt` does.
struct AdoptionScenarios {
    /// Counts as a program of the user's would, and saves when it is told to stop; `exec`, so that its end is the
    /// script's.
    private func script(_ cluster: LiveCluster, to count: Int) -> String {
        """
        #!/bin/bash
        exec srun /bin/sh -c 'MOLT_EPOCH=- exec /bin/sh \(cluster.folder)/counter.sh \(count)'
        """
    }

    private func run(_ cluster: LiveCluster, named name: String) async throws -> RunSummary? {
        let output = try await cluster.molt("ls", "--json")
        return try JSONDecoder().decode(RunList.self, from: Data(output.out.utf8)).runs.first { $0.name == name }
    }

    /// Covers D9.
    @Test func aJobThatAskedForARunIsKeptThroughAPreemption() async throws {
        let folder = TemporaryFolder("plugin")
        chmod(folder.path, 0o755)
        let made = Shell.run(["make", "-C", "\(Testbed.repository)/Plugins/spank-molt", "OUT=\(folder.path)"])
        try #require(made.status == 0, "\(made.output)")
        let plugin = folder("spank_molt.so")
        try await LiveCluster.with(["--nodes", "1", "--plugstack", "required \(plugin)"], minutes: 4) { cluster in
            try await cluster.write(script(cluster, to: 60), to: "train.sh")
            try await cluster.molt("ls")
            try await cluster.run([
                "env", "MOLT_RUNS=\(cluster.folder)/runs", "sbatch", "--molt=support-bot", "--gres=gpu:4", "-p", "low",
                "--requeue", "-o", "\(cluster.folder)/home/%j.out", "\(cluster.folder)/train.sh",
            ])
            try await Command.until("the job is a run that takes steps", within: 60) {
                (try await run(cluster, named: "support-bot")?.step ?? 0) >= 5
            }
            let id = try await run(cluster, named: "support-bot")?.id ?? ""
            let urgent = try await cluster.submitCounter(
                to: 4, name: "urgent", partition: "high", resources: "gpus_per_node: 4, ranks_per_node: 1")
            try await cluster.wait(for: urgent, toBe: .finished, within: 120)
            let detail = try await cluster.wait(for: id, toBe: .finished, within: 120)
            #expect(detail.attempts.count == 1, "a requeue keeps the attempt")
            #expect(detail.attempts.flatMap(\.incarnations).map(\.outcome) == [Cause.preempted, "finished"])
            #expect(detail.summary.step == 60)
            #expect(try await cluster.molt("logs", id).out.contains("restart 1"))
        }
        withExtendedLifetime(folder) {}
    }

    /// Covers D2.
    @Test func aWaitingJobIsAdoptedByItsNumberAndItsEndIsNotTakenForASuccess() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            try await cluster.write("#!/bin/bash\nsleep 3\n", to: "train.sh")
            let sent = try await cluster.run([
                "sbatch", "--parsable", "--hold", "-p", "low", "-J", "by-hand", "-o", "/dev/null",
                "\(cluster.folder)/train.sh",
            ])
            let job = try #require(UInt32(sent.out.filter(\.isNumber)))
            try await cluster.molt("adopt", "\(job)")
            let id = try #require(try await run(cluster, named: "by-hand")?.id)
            try await cluster.molt("adopt", "\(job)", expecting: 2)
            try await cluster.wait(for: id, toBe: .held)
            try await cluster.molt("release", id)
            try await Command.until("it has run to its end", within: 90) {
                try await cluster.show(id).summary.state == .stuck
            }
            #expect(try await cluster.show(id).summary.lastError?.contains("nothing else proves it") == true)
            try await cluster.molt("resume", id)
            try await Command.until("it is in the queue again", within: 60) {
                try await cluster.field("Restarts", ofJob: job) == "1"
            }
            try await cluster.molt("cancel", id)
            try await cluster.wait(for: id, toBe: .cancelled)
        }
    }
}
