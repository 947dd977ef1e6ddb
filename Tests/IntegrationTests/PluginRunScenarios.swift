import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Runs of Molt's own on a site that has the Slurm plugin: `molt-job` does its work as ever, and knows more.
struct PluginRunScenarios {
    /// Covers I6.
    @Test func theRankWhoseWatcherWasKilledIsNamed() async throws {
        let folder = TemporaryFolder("plugin")
        chmod(folder.path, 0o755)
        let made = Shell.run(["make", "-C", "\(Testbed.repository)/Plugins/spank-molt", "OUT=\(folder.path)"])
        try #require(made.status == 0, "\(made.output)")
        let line = "required \(folder("spank_molt.so"))"
        try await LiveCluster.with(["--nodes", "2", "--plugstack", line], minutes: 3) { cluster in
            // The watcher is killed, as by the kernel when memory runs out, before it can write down anything.
            let killed = try await cluster.submit(
                command: ["/bin/sh", "-c", "[ $RANK = 1 ] && kill -KILL $PPID; sleep 30"], name: "killed",
                resources: "ranks_per_node: 2", extra: "policy: {max_crashes: 1}")
            let detail = try await cluster.wait(for: killed, toBe: .failed, within: 100)
            #expect(detail.summary.lastError?.contains("rank 1 on n") == true, "\(detail.summary.lastError ?? "")")
            #expect(detail.summary.lastError?.contains("SIGKILL") == true)

            let environment = "\(cluster.folder)/runs/environment"
            let whole = try await cluster.submit(
                command: ["/bin/sh", "-c", "env >\(environment)"], name: "whole", resources: "ranks_per_node: 1")
            let end = try await cluster.wait(for: whole, toBe: .finished)
            let job = try await cluster.job(of: whole)
            let records = try FileManager.default.contentsOfDirectory(atPath: "\(end.runFolder)/slurm/\(job).0")
            #expect(records == ["end.json"], "what went well is molt-job's to tell")
            let variables = String(decoding: try DurableFile.read(environment), as: UTF8.self).split(separator: "\n")
            #expect(variables.contains("MOLT_PROGRESS_FILE=\(end.runFolder)/events/1-0.jsonl"))
            #expect(variables.contains("MASTER_ADDR=127.0.0.1") && !variables.contains { $0.hasPrefix("MOLT_ADOPT") })
        }
        withExtendedLifetime(folder) {}
    }
}
