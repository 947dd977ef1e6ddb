import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// Why a run waits or ended, as `molt why` tells it about a real Slurm; and programs and nodes that fail for good.
struct CauseScenarios {
    private func why(_ cluster: LiveCluster, _ run: String) async throws -> RunExplanation {
        let output = try await cluster.molt("why", run, "--json")
        return try JSONDecoder().decode(RunExplanation.self, from: Data(output.out.utf8))
    }

    /// D25: on n1 everything fails at once; Slurm, which sees an idle node, would go on offering it for ever.
    @Test func aBlackHoleNodeIsLeftOutAfterTwoAttempts() async throws {
        try await LiveCluster.with(minutes: 3) { cluster in
            let script = "[ $SLURMD_NODENAME = n1 ] || exit 0; echo /data/x: No such file or directory >&2; exit 1"
            let run = try await cluster.submit(command: ["/bin/sh", "-c", script], name: "hole")
            let detail = try await cluster.wait(for: run, toBe: .finished, within: 120)
            let nodes = detail.attempts.flatMap(\.incarnations).map(\.nodes)
            #expect(nodes.count == 3 && nodes.prefix(2) == [["n1"], ["n1"]] && nodes.last != ["n1"], "\(nodes)")
            let told = try await why(cluster, run)
            #expect(told.leftOut.map(\.node) == ["n1"])
            #expect(told.ends.prefix(2).allSatisfy { $0.cause == "user-error" }, "\(told.ends)")
        }
    }

    @Test func aFileThatIsMissingEverywhereEndsTheRunAndIsNamed() async throws {
        try await LiveCluster.with(minutes: 3) { cluster in
            let run = try await cluster.submit(command: ["/bin/cat", "/nowhere/train.jsonl"], name: "missing")
            let detail = try await cluster.wait(for: run, toBe: .failed, within: 120)
            #expect(detail.attempts.count <= 3)
            #expect(detail.summary.lastError?.contains("/nowhere/train.jsonl") == true, "\(detail.summary)")
            #expect(try await why(cluster, run).ends.last?.cause == "user-error")
        }
    }
}
