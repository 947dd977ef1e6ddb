import FoundationEssentials
import MoltAPI
import MoltCore
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Two incarnations of one run live at once: Slurm has lost a node on which the old one goes on (X16, N13).
struct SplitBrainScenarios {
    private static let recipe = """
        name: split
        task: pretrain
        model:
          pattern: "M-"
          hidden_size: 32
          mamba_heads: 2
          mamba_head_dim: 32
          state_size: 16
          chunk_size: 32
          ffn_size: 64
        data: {train: [/usr/share/common-licenses/GPL-3], sequence_length: 64}
        train: {steps: 1000000, global_batch: 1, micro_batch: 1, threads: 1}
        checkpoint: {every_steps: 5, keep: 3}
        resources: {nodes: 1, partition: low, time: 30m}
        """

    /// Covers D8, E11, N13, X16.
    @Test func theOldIncarnationCommitsNothingMoreAndIsGone() async throws {
        try await LiveCluster.with(["--nodes", "2"], minutes: 12) { cluster in
            try await cluster.write(Self.recipe, to: "split.yaml")
            var seconds: [Double] = [], numbers = Trial.numbers("N13")
            for trial in 1...5 {
                // The node is lost at any moment between and within saves.
                let saves = Int.random(in: 1...6, using: &numbers)
                seconds.append(try await Self.trial(cluster, isMoltJobStopped: trial % 2 == 0, after: saves))
            }
            Trial.report(
                "N13", ["trials": Double(seconds.count), "most s until it was gone": seconds.max() ?? 0])
        }
    }

    /// - Parameter saved: so many checkpoints are committed before the node is lost.
    /// - Returns: seconds from the new claim until nothing of the old incarnation was left.
    private static func trial(_ cluster: LiveCluster, isMoltJobStopped: Bool, after saved: Int) async throws -> Double {
        let output = try await cluster.molt("submit", "\(cluster.folder)/split.yaml", "--site", "bed", "--json")
        let run = try JSONDecoder().decode(Submitted.self, from: Data(output.out.utf8)).id
        try await Command.until("it has saved", within: 120) {
            // What the run says itself: so quick a run's checkpoints are gone by the time the daemon hears of them.
            let shown = try await cluster.show(run)
            let own = try saves(RunFolder(path: shown.runFolder), epoch: 1)
            return shown.summary.step != nil && own.count >= max(2, saved)
        }
        let detail = try await cluster.show(run)
        let node = try #require(detail.attempts.first?.incarnations.first?.nodes.first)
        let number = String(node.dropFirst()), job = try await cluster.job(of: run)
        let old = cluster.processes(of: run, epoch: 1)
        #expect(old.count >= 2, "the worker and its watcher")
        // Without its first process the old incarnation has only the watcher of each rank.
        if isMoltJobStopped { for pid in cluster.heads(of: run) { Glibc.kill(pid, SIGSTOP) } }
        try await cluster.testbed("slurmd-kill", [number])
        try await cluster.testbed("node-down", [number])
        let folder = RunFolder(path: detail.runFolder)
        try await Command.until("a second incarnation has claimed the run", within: 120, every: 0.5) {
            _ = try? await cluster.run(["scontrol", "update", "jobid=\(job)", "starttime=now"])
            return access(folder.claim(epoch: 2), F_OK) == 0
        }
        let claimedAt = try JSONFile.read(Claim.self, from: folder.claim(epoch: 2)).claimedAt
        var goneAt = 0.0
        try await Command.until("the old incarnation is gone", within: 30, every: 0.1) {
            goneAt = Date().timeIntervalSince1970
            return old.allSatisfy { !$0.isAlive }
        }
        try await Command.until("the new one has saved", within: 120) {
            try saves(folder, epoch: 2).count > 1
        }
        let first = try #require(try saves(folder, epoch: 2).first)
        #expect(try saves(folder, epoch: 1).allSatisfy { $0 < first }, "a commit of the old epoch after the new one's")
        for pid in cluster.heads(of: run) { Glibc.kill(pid, SIGCONT) }
        try await cluster.molt("cancel", run)
        try await cluster.wait(for: run, toBe: .cancelled)
        try await cluster.testbed("slurmd-start", [number])
        try await cluster.testbed("node-up", [number])
        return goneAt - claimedAt
    }

    /// When each checkpoint of an epoch was committed.
    private static func saves(_ folder: RunFolder, epoch: Int) throws -> [Double] {
        let path = folder.events(epoch: epoch, writer: .rank(0))
        guard access(path, F_OK) == 0 else { return [] }
        let text = String(decoding: try DurableFile.read(path), as: UTF8.self)
        return text.split(separator: "\n").compactMap { try? JSONDecoder().decode(RunEvent.self, from: Data($0.utf8)) }
            .filter { $0.kind == .saved }.compactMap(\.at)
    }

    private struct Submitted: Decodable {
        let id: String
    }
}

extension LiveCluster {
    /// The processes of an incarnation that know their epoch: workers and their watchers.
    func processes(of run: String, epoch: Int) -> [ProcessIdentity] {
        matching { _, environ in
            environ.contains("MOLT_EPOCH=\(epoch)") && environ.contains { $0.hasSuffix("/\(run)") }
        }
    }

    /// The `molt-job run` of a run, on whatever node.
    func heads(of run: String) -> [Int32] {
        matching { words, _ in words.contains("run") && words.contains { $0.hasSuffix("/\(run)") } }.map(\.pid)
    }

    private func matching(_ fits: ([String], [String]) -> Bool) -> [ProcessIdentity] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        func words(_ path: String) -> [String] {
            (FileManager.default.contents(atPath: path) ?? Data()).split(separator: 0)
                .map { String(decoding: $0, as: UTF8.self) }
        }
        return names.compactMap { Int32($0) }.filter { pid in
            let environ = words("/proc/\(pid)/environ")
            return environ.contains { $0.contains(folder) } && fits(words("/proc/\(pid)/cmdline"), environ)
        }.compactMap(ProcessIdentity.of(pid:))
    }
}
