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

    /// On n1 everything fails at once; Slurm, which sees an idle node, would go on offering it for ever.
    ///
    /// Covers D25, N16.
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

    /// Covers D1.
    @Test func aFileThatIsMissingEverywhereEndsTheRunAndIsNamed() async throws {
        try await LiveCluster.with(minutes: 3) { cluster in
            let run = try await cluster.submit(command: ["/bin/cat", "/nowhere/train.jsonl"], name: "missing")
            let detail = try await cluster.wait(for: run, toBe: .failed, within: 120)
            #expect(detail.attempts.count <= 3)
            #expect(detail.summary.lastError?.contains("/nowhere/train.jsonl") == true, "\(detail.summary)")
            #expect(try await why(cluster, run).ends.last?.cause == "user-error")
        }
    }

    /// Covers B1, D27.
    @Test func aWaitingRunTellsWhyAndAsOfWhenWhileTheControllerIsAway() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let blocker = try await cluster.submitCounter(to: 10000, name: "blocker", resources: "gpus_per_node: 4")
            try await cluster.wait(for: blocker, step: 32)
            let run = try await cluster.submitCounter(to: 4, name: "waits", resources: "gpus_per_node: 4")
            try await Command.until("Slurm says why it waits", within: 60) {
                let code = try await why(cluster, run).waiting?.code
                return code == "Resources" || code == "Priority"
            }
            #expect(try await why(cluster, run).waiting?.since != nil)
            let later = try await cluster.submitCounter(to: 4, name: "later", resources: "gpus_per_node: 4")
            try await Command.until("what decides is told", within: 60) {
                try await why(cluster, later).waiting?.ranking?.count == 2
            }
            let ranking = try await why(cluster, later).waiting?.ranking ?? []
            #expect(ranking.first?.contains("; 1 waiting job has a higher one in this partition") == true, "\(ranking)")
            #expect(ranking.last == "this cluster goes by the order of submission")
            try await cluster.molt("cancel", later)
            try await cluster.run(["scontrol", "uhold", "\(cluster.job(of: run))"])
            try await Command.until("the hold is told", within: 30) {
                try await why(cluster, run).waiting?.code == "JobHeldUser"
            }
            #expect(try await why(cluster, run).next == "nothing until molt release")
            try await cluster.testbed("ctld-stop")
            try await Command.until("the outage is told", within: 60) { try await why(cluster, run).outage != nil }
            let told = try await why(cluster, run)
            #expect(told.asOf != nil && told.state == .held)
            #expect(try await cluster.molt("why", run).out.contains("what follows is as of"))
            try await cluster.testbed("ctld-cont")
            try await Command.until("the outage is over", within: 60) { try await why(cluster, run).outage == nil }
            try await cluster.molt("cancel", run)
            try await cluster.molt("cancel", blocker)
        }
    }
}
