import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// Text that a shell, a batch script or Slurm could take for something else, on a real Slurm.
struct HostileScenarios {
    /// Covers J1, J4, J8, N18.
    @Test func argumentsArriveAsTheyAreAndNamesThatCouldHarmAreRefused() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 2) { cluster in
            let words = [
                "it's \"quoted\"", "$(touch /tmp/harmed)", "two\nlines", "#SBATCH --nodes=9", "../../x", "🦊", "%j\\",
                "JobState=COMPLETED",
            ]
            let script = "for word; do printf '%s\\0' \"$word\"; done >\"$MOLT_CHECKPOINT_DIR/said\""
            let run = try await cluster.submit(command: ["/bin/sh", "-c", script, "sh"] + words, name: "hostile")
            let detail = try await cluster.wait(for: run, toBe: .finished)
            let said = try DurableFile.read("\(detail.runFolder)/checkpoints/said")
            #expect(String(decoding: said, as: UTF8.self).split(separator: "\0").map(String.init) == words)
            for name in words {
                try await cluster.molt(
                    "submit", "\(cluster.folder)/hostile.yaml", "--site", "bed", "--name=\(name)", expecting: 2)
            }
            let jobs = try await cluster.run(["squeue", "-h", "-a", "-t", "all", "-o", "%j"])
            #expect(jobs.lines.count == 1)
        }
    }
}
