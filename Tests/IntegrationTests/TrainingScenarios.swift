import FoundationEssentials
import MoltAPI
import MoltCore
import Testing

/// The engine itself under Slurm: two nodes, one rank each, preempted again and again.
struct TrainingScenarios {
    /// Two ranks on two nodes train a small hybrid on text; small enough that a step takes some tens of milliseconds.
    private func recipe(_ name: String, steps: Int) -> String {
        """
        name: \(name)
        task: pretrain
        model:
          pattern: "M-M*-"
          hidden_size: 64
          mamba_heads: 4
          mamba_head_dim: 32
          state_size: 32
          chunk_size: 64
          attention_heads: 4
          kv_heads: 2
          attention_head_dim: 16
          ffn_size: 128
        data:
          train: [/usr/share/common-licenses/GPL-3, /usr/share/common-licenses/Apache-2.0]
          sequence_length: 256
        train: {steps: \(steps), global_batch: 4, micro_batch: 1, seed: 7, threads: 1}
        optimizer: {lr: 2e-3}
        checkpoint: {every_steps: 25, keep: 3}
        resources: {nodes: 2, ranks_per_node: 1, partition: low, time: 10m}
        """
    }

    private func submit(
        _ name: String, steps: Int, to cluster: LiveCluster, like reference: RunDetail? = nil
    ) async throws -> String {
        try await cluster.write(recipe(name, steps: steps), to: "\(name).yaml")
        let output = try await cluster.molt(
            "submit", "\(cluster.folder)/\(name).yaml", "--site", "bed", "--json", "--hold")
        let id = try JSONDecoder().decode(Submitted.self, from: Data(output.out.utf8)).id
        if let reference {
            // Equal bits are promised for equal numerics records; two runs may measure different libraries as faster.
            let folder = try await cluster.show(id).runFolder
            try await cluster.run(["cp", "\(reference.runFolder)/numerics.json", "\(folder)/numerics.json"])
        }
        try await cluster.molt("release", id)
        return id
    }

    private struct Submitted: Decodable {
        let id: String
    }

    /// Loss by step as rank 0 wrote it; a step taken again must have the same loss, bit for bit.
    private func losses(of run: RunDetail) throws -> [Int: Double] {
        var result: [Int: Double] = [:]
        let folder = "\(run.runFolder)/events"
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.hasSuffix("-0.jsonl") {
            let text = String(decoding: try DurableFile.read("\(folder)/\(name)"), as: UTF8.self)
            for line in text.split(separator: "\n") {
                let event = try JSONDecoder().decode(RunEvent.self, from: Data(line.utf8))
                guard event.kind == .step, let step = event.step, let loss = event.loss else { continue }
                if let before = result[step] { #expect(before == loss, "step \(step) was repeated with another loss") }
                result[step] = loss
            }
        }
        return result
    }

    /// The hash over all weights of the newest checkpoint.
    private func weights(of run: RunDetail, on cluster: LiveCluster) async throws -> String {
        let newest = try #require(run.checkpoints.max { ($0.epoch, $0.step) < ($1.epoch, $1.step) })
        let output = try await cluster.run(["\(cluster.prefix)/bin/molt-train", "inspect", newest.path, "--json"])
        return try JSONDecoder().decode(Inspection.self, from: Data(output.out.utf8)).weightsSHA256
    }

    private struct Inspection: Decodable {
        let weightsSHA256: String

        enum CodingKeys: String, CodingKey {
            case weightsSHA256 = "weights_sha256"
        }
    }

    /// Seconds from the end of the job that took the nodes to the first step of the next incarnation.
    private func handOver(of run: String, after urgent: String, on cluster: LiveCluster) async throws -> Double {
        let job = try await cluster.job(of: urgent)
        try await cluster.wait(for: urgent, toBe: .finished, within: 120)
        let ended = try await cluster.run(["bash", "-c", "date -d \"$1\" +%s", "date",
            try await cluster.field("EndTime", ofJob: job) ?? ""])
        let free = try #require(Double(ended.out.filter(\.isNumber)))
        var first: Double?
        try await Command.until("the run trains again", within: 60) {
            let detail = try await cluster.show(run)
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(detail.runFolder)/events")
            first = names.filter { $0.hasSuffix("-0.jsonl") }.compactMap { name -> Double? in
                guard let data = try? DurableFile.read("\(detail.runFolder)/events/\(name)") else { return nil }
                return String(decoding: data, as: UTF8.self).split(separator: "\n").lazy
                    .compactMap { try? JSONDecoder().decode(RunEvent.self, from: Data($0.utf8)) }
                    .first { $0.kind == .step && ($0.at ?? 0) > free }?.at
            }.min()
            return first != nil
        }
        return try #require(first) - free
    }

    /// Bars 2 and 3 of the main job in one run: default Slurm settings, two nodes, five preemptions.
    ///
    /// Covers E13, N12.
    @Test func fivePreemptionsCostSecondsAndNotOneBit() async throws {
        try await LiveCluster.with(["--nodes", "2", "--defaults"], minutes: 9) { cluster in
            let steps = 1500
            let plain = try await submit("plain", steps: steps, to: cluster)
            let reference = try await cluster.wait(for: plain, toBe: .finished, within: 200)

            let victim = try await submit("victim", steps: steps, to: cluster, like: reference)
            var seconds: [Double] = []
            for round in 1...5 {
                let before = try await cluster.show(victim).summary.step ?? 0
                try await cluster.wait(for: victim, step: before + 20 + 13 * round)
                let urgent = try await cluster.submit(
                    command: ["/bin/sleep", "1"], name: "urgent\(round)", partition: "high",
                    resources: "cpus_per_rank: 4")
                seconds.append(try await handOver(of: victim, after: urgent, on: cluster))
            }
            let detail = try await cluster.wait(for: victim, toBe: .finished, within: 200)
            #expect(detail.attempts.flatMap(\.incarnations).count == 6)
            #expect(try losses(of: detail) == (try losses(of: reference)))
            #expect(try await weights(of: detail, on: cluster) == (try await weights(of: reference, on: cluster)))
            let median = seconds.sorted()[2]
            #expect(median <= 10, "seconds from free nodes to the first step: \(seconds)")
            print("hand-over after preemption, default Slurm settings: \(seconds) s, median \(median) s")
        }
    }
}
