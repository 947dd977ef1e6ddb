import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// Whole runs on a Slurm that is spoken to through its commands, or through slurmrestd.
struct WaysScenarios {
    private struct Verdict: Decodable {
        let level: String
        let subject: String
        let finding: String
    }

    private static let wholeNode = "gpus_per_node: 4, ranks_per_node: 1"
    private static let poll = "poll: {min: 1s, max: 2s}"
    private static let rest = "rest: {socket: $HOME/../slurm/rest.sock}"

    private func backend(_ cluster: LiveCluster) async throws -> Verdict {
        let output = try await cluster.molt("doctor", "--site", "bed", "--json")
        let verdicts = try JSONDecoder().decode([Verdict].self, from: Data(output.out.utf8))
        return try #require(verdicts.first { $0.subject == "backend" }, "\(verdicts)")
    }

    @Test(arguments: ["commands", "rest"])
    func aRunIsSubmittedPreemptedResumedAndFinished(_ way: String) async throws {
        let site = "backend: \(way)\n\(Self.rest)\n\(Self.poll)"
        try await LiveCluster.with(["--nodes", "1", "--rest"], site: site, minutes: 4) { cluster in
            let verdict = try await backend(cluster)
            #expect(verdict.level == "ok" && verdict.finding.contains(", pinned"), "\(verdict)")
            #expect(verdict.finding.hasPrefix(way))
            if way == "rest" { #expect(verdict.finding.contains("v0.0.38 of slurm 22.05.8"), "\(verdict)") }
            let victim = try await cluster.submitCounter(to: 60, resources: Self.wholeNode)
            try await cluster.wait(for: victim, step: 5)
            let urgent = try await cluster.submitCounter(
                to: 4, name: "urgent", partition: "high", resources: Self.wholeNode)
            try await cluster.wait(for: urgent, toBe: .finished, within: 120)
            let detail = try await cluster.wait(for: victim, toBe: .finished, within: 120)
            #expect(detail.attempts.count == 1, "a requeue keeps the attempt")
            let incarnations = detail.attempts.flatMap(\.incarnations)
            #expect(incarnations.count == 2 && incarnations.first?.outcome == Cause.preempted, "\(incarnations)")
            let steps = try cluster.steps(of: detail)
            #expect(Set(steps) == Set(1...60) && steps.count <= 61)
        }
    }

    @Test func theFirstWayThatAnswersIsTakenAndTheOthersAreNamed() async throws {
        let site = "\(Self.rest)\n\(Self.poll)"
        try await LiveCluster.with(["--nodes", "1", "--rest"], site: site, minutes: 2) { cluster in
            let finding = try await backend(cluster).finding
            #expect(finding.hasPrefix("libslurm, the first that answers"), "\(finding)")
            #expect(finding.contains("commands answers too") && finding.contains("rest: v0.0.38"), "\(finding)")
        }
    }
}
