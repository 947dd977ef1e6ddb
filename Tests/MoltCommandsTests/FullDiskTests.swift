import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Disks that are really full or read-only: the run folders lie on a small file system of the daemon's own, in a mount
/// namespace that nobody else sees.
struct FullDiskTests {
    private func started(_ options: String) throws -> Molt {
        let molt = try Molt()
        try DurableFile.makeFolder("\(molt.home)/runs")
        let isolate = getuid() == 0 ? ["unshare", "--mount"] : ["unshare", "--user", "--map-root-user", "--mount"]
        let script = "mount -t tmpfs -o \"$1\" none \"$2\" && exec \"$3\" daemon start"
        let answer = try molt.run(
            "/usr/bin/env",
            isolate + ["bash", "-c", script, "mount", options, "\(molt.home)/runs", "\(molt.programs)/molt"])
        #expect(answer.status == 0, "\(answer.error)")
        return molt
    }

    /// A path in the daemon's namespace, as everybody else can reach it.
    private func seen(_ path: String, by molt: Molt) throws -> String {
        "/proc/\(try #require(molt.daemonFile).process.pid)/root\(path)"
    }

    private func submit(_ molt: Molt, _ arguments: String...) throws -> String {
        let answer = try molt.run("\(molt.programs)/molt", ["submit"] + arguments)
        #expect(answer.status == 0, "\(answer.error)")
        return String(answer.out.prefix(RunID.length))
    }

    private func show(_ molt: Molt, _ run: String) throws -> RunDetail {
        try JSONDecoder().decode(RunDetail.self, from: Data(try molt("show", run, "--json").out.utf8))
    }

    /// Covers E14.
    @Test func aReadOnlyRunsFolderIsNamedAndNothingIsLeft() throws {
        let molt = try started("ro")
        try molt.write("name: a\ntask: command\ncommand: [\"true\"]\n", to: "r.yaml")
        let answer = try molt("submit", "r.yaml")
        #expect(answer.status == 2 || answer.status == 3, "\(answer.error)")
        #expect(answer.out.isEmpty)
        #expect(answer.error.contains("\(molt.home)/runs"), "\(answer.error)")
        #expect(answer.error.contains("Read-only file system"), "\(answer.error)")
        let list = try JSONDecoder().decode(RunList.self, from: Data(try molt("ls", "--json").out.utf8))
        #expect(list.total == 0)
    }

    private static let training = """
        name: full
        task: pretrain
        model: {pattern: "M-*-", hidden_size: 32, mamba_heads: 4, mamba_head_dim: 16, state_size: 16, chunk_size: 32,
                attention_heads: 2, kv_heads: 1, attention_head_dim: 16, ffn_size: 64}
        data: {train: [train.txt], sequence_length: 64}
        train: {steps: 100000, global_batch: 2, micro_batch: 1, threads: 1}
        optimizer: {lr: 3e-3}
        checkpoint: {every_steps: 10, keep: 100}
        resources: {nodes: 1, ranks_per_node: 1, cpus_per_rank: 1}
        """

    /// Writes files until only `left` bytes are free in `folder`, whatever else is being written there.
    private func fill(_ folder: String, leaving left: Int) throws {
        var space = statvfs()
        for number in 1...50 {
            try #require(statvfs(folder, &space) == 0)
            let free = Int(space.f_bavail) * Int(space.f_frsize)
            if free <= left { return }
            try? DurableFile.write(Data(repeating: 1, count: free - left), to: "\(folder)/filler-\(number)")
        }
        Issue.record("the disk does not become full")
    }

    private func empty(_ folder: String) {
        for number in 1...50 { unlink("\(folder)/filler-\(number)") }
    }

    /// Covers E7.
    @Test func aSaveOnAFullDiskLeavesTheEarlierCheckpointsAndSucceedsOnceThereIsSpace() async throws {
        let molt = try started("size=80m")
        let runs = try seen("\(molt.home)/runs", by: molt)
        try molt.write((0..<800).map { "line \($0) of a text that is learnt\n" }.joined(), to: "train.txt")
        try molt.write(Self.training, to: "r.yaml")
        let run = try submit(molt, "r.yaml")
        try await molt.until("a checkpoint is there", within: 60) { try show(molt, run).checkpoints.count > 1 }
        // The log and the events still fit, a checkpoint does not.
        try fill(runs, leaving: 200_000)
        try await molt.until("a save has failed", within: 60) { try molt("events", run).out.contains("save-failed") }

        let failed = try show(molt, run)
        let line = try molt("events", run).out.split(separator: "\n").first { $0.contains("save-failed") } ?? ""
        #expect(line.contains("/checkpoints/.tmp-") && line.contains("No space left on device"), "\(line)")
        #expect(failed.summary.lastError?.contains("No space left") == true, "\(failed.summary.lastError ?? "")")
        #expect(failed.summary.state == .running)
        for checkpoint in failed.checkpoints.prefix(1) + failed.checkpoints.suffix(2) {
            let path = try seen(checkpoint.path, by: molt)
            let answer = try molt.run("\(molt.programs)/molt-train", ["inspect", path, "--json"])
            #expect(answer.status == 0, "\(checkpoint.path): \(answer.error)")
        }

        empty(runs)
        let before = failed.checkpoints.map(\.step).max() ?? 0
        try await molt.until("a later save has succeeded", within: 60) {
            try show(molt, run).checkpoints.contains { $0.step > before }
        }
        #expect(try molt("stop", run).status == 0)
        try await molt.until("the run is paused", within: 60) { try show(molt, run).summary.state == .paused }
        #expect(try show(molt, run).attempts.count == 1)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(runs)/\(run)/checkpoints")
        #expect(!names.contains { $0.hasPrefix(".tmp") }, "\(names)")
    }

    /// Covers E7.
    @Test func tooLittleSpaceAtTheStartIsTheUsersBusinessAndBlamesNoNode() async throws {
        let molt = try started("size=80m")
        let runs = try seen("\(molt.home)/runs", by: molt)
        try molt.write("name: short\ntask: command\ncommand: [\"true\"]\n", to: "r.yaml")
        try fill(runs, leaving: 30 << 20)
        let run = try submit(molt, "r.yaml")
        try await molt.until("the run is over", within: 30) { try show(molt, run).summary.state.isFinal }
        let failed = try show(molt, run)
        #expect(failed.summary.state == .failed && failed.attempts.count == 1)
        #expect(failed.summary.lastError?.contains("are free at \(molt.home)/runs") == true, "\(failed.summary)")
        empty(runs)
        #expect(try molt("resume", run).status == 0)
        try await molt.until("the run has finished", within: 30) { try show(molt, run).summary.state == .finished }
    }

    /// Covers E17.
    @Test func aProgramThatFillsTheDiskIsToldToWhoeverLooks() async throws {
        let molt = try started("size=80m")
        let fill = "head -c 100000000 /dev/zero >$MOLT_CHECKPOINT_DIR/big"
        try molt.write(
            "name: fill\ntask: command\ncommand: [sh, -c, '\(fill)']\npolicy: {max_crashes: 2}\n", to: "r.yaml")
        let run = try submit(molt, "r.yaml")
        try await molt.until("the full disk is named", within: 40) {
            try show(molt, run).summary.pendingReason?.contains("No space left on device") == true
        }
        #expect(try molt("daemon", "status").status == 0)
        unlink(try seen("\(molt.home)/runs/\(run)/checkpoints/big", by: molt))
        #expect(try molt("cancel", run).status == 0)
        try await molt.until("the run is over", within: 30) { try show(molt, run).summary.state.isFinal }
    }
}
