import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// Text that a shell, a batch script or Slurm could take for something else, on a real Slurm.
struct HostileScenarios {
    /// Covers J1, J4, J8, N18.
    @Test func argumentsArriveAsTheyAreAndNamesThatCouldHarmAreRefused() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 2) { cluster in
            // Whatever file such text makes has this in its name: other tests make files at the same time.
            let mark = "mark\(UInt64.random(in: 0..<1 << 60))"
            let words = [
                "it's \"quoted\"", "$(touch /tmp/\(mark))", "two\nlines", "#SBATCH --nodes=9", "../../\(mark)", "🦊",
                "%j\\", "JobState=COMPLETED", "`touch /var/tmp/\(mark)`", "; touch ~/\(mark) #", "x >../\(mark)",
                "/dev/shm/\(mark)", "#SBATCH --output=/tmp/\(mark)",
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

            // Everywhere where an ordinary user may write; the recipe's own text is in files whose names are Molt's.
            func find(_ places: [String], depth: Int = 99) async throws -> [Substring] {
                try await Command.run(
                    ["sh", "-c", "find \"$@\" -maxdepth \(depth) -name '*\(mark)*' 2>/dev/null", "sh"] + places,
                    environment: cluster.environment, asRoot: true
                ).lines
            }
            let shared = try await find(["/", "/tmp", "/var/tmp", "/dev/shm", "/run"], depth: 2)
            #expect(shared.isEmpty, "files outside of the run's folder: \(shared)")
            #expect(try await find([cluster.folder]).isEmpty, "a file outside of the run's folder")
            let folders = try FileManager.default.contentsOfDirectory(atPath: "\(cluster.folder)/runs")
            #expect(folders == [run])
            // That the search would see one.
            try await cluster.run(["touch", "\(cluster.folder)/\(mark)"])
            #expect(try await find([cluster.folder]).count == 1)
        }
    }
}
