import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// A model asked by runs of their own under Slurm, one of them preempted.
struct ModelScenarios {
    private static let recipe = """
        name: tiny
        task: pretrain
        model: {pattern: "M*", hidden_size: 64, mamba_heads: 4, mamba_head_dim: 32, state_size: 16, chunk_size: 32,
          attention_heads: 2, kv_heads: 1, attention_head_dim: 32}
        data: {train: /usr/share/common-licenses/GPL-3, sequence_length: 128}
        train: {steps: 4, global_batch: 2, threads: 1}
        checkpoint: {every_steps: 2}
        resources: {partition: low, time: 5m}
        """

    private struct Record: Decodable {
        var id: String
        var tokens: [Int]
    }

    @Test func aPreemptedGenerationGoesOnAndAnEvaluationIsShownWithItsModel() async throws {
        try await LiveCluster.with(["--nodes", "1"], minutes: 4) { cluster in
            let folder = cluster.folder, molt = "\(cluster.prefix)/bin/molt"
            func submitted(_ words: [String]) async throws -> String {
                try await cluster.run([molt] + words + ["--site", "bed"]).out.filter { !$0.isNewline }
            }
            try await cluster.write(Self.recipe, to: "tiny.yaml")
            try await cluster.wait(for: try await submitted(["submit", "\(folder)/tiny.yaml"]), toBe: .finished)

            let prompts = (0..<48).map { #"{"prompt": "Section \#($0). The licensee", "id": "\#($0)"}"# }
            try await cluster.write(prompts.joined(separator: "\n"), to: "in.jsonl")
            let run = try await submitted([
                "generate", "tiny", "--prompts", "\(folder)/in.jsonl", "--max-tokens", "1000", "--batch", "4",
                "--out", "\(folder)/out.jsonl", "resources.time=5m",
            ])
            let part = "\(try await cluster.show(run).runFolder)/generated.jsonl.part-1"
            try await Command.until("the first texts are put away", within: 60, every: 0.02) {
                FileManager.default.contents(atPath: part)?.contains(0x0A) ?? false
            }
            try await cluster.run(["sbatch", "-p", "high", "-N1", "-c4", "-o", "/dev/null", "--wrap", "sleep 1"])
            let asked = try await submitted(["eval", "tiny", "--task", "recall", "--sizes", "2", "--samples", "4"])
            let detail = try await cluster.wait(for: run, toBe: .finished)
            let starts = detail.attempts.flatMap(\.incarnations)
            #expect(starts.count == 2 && starts[0].outcome == Cause.preempted, "\(starts)")
            #expect((detail.summary.step, detail.summary.steps) == (48, 48))
            let texts = String(decoding: try DurableFile.read("\(folder)/out.jsonl"), as: UTF8.self)
            let records = try texts.split(separator: "\n").map {
                try JSONDecoder().decode(Record.self, from: Data($0.utf8))
            }
            #expect(records.map(\.id) == (0..<48).map { "\($0)" } && records.allSatisfy { !$0.tokens.isEmpty })

            try await cluster.wait(for: asked, toBe: .finished)
            let list = try await cluster.molt("eval", "show", "tiny", "--json")
            let reports = try JSONDecoder().decode(EvaluationList.self, from: Data(list.out.utf8)).evaluations
            #expect(reports.map(\.task) == ["recall"] && reports[0].step == 4)
        }
    }
}
