import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

extension WorkerTests {
    /// LoRA: trains adapters alone, keeps them apart from the model they stand on, and generates with both.
    struct AdapterTests {
        private let data = TemporaryFolder("data")

        private func pretrained() async throws -> Fleet {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 60))
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            return fleet
        }

        private func adapting(_ base: Fleet, in precision: Precision = .fp32) throws -> Recipe {
            let lines = (0..<40).map {
                "{\"prompt\": \"question \($0)? \", \"completion\": \"it is \($0 % 7), surely.\"}"
            }
            try DurableFile.write(Data(lines.joined(separator: "\n").utf8), to: data("qa.jsonl"))
            var recipe = try TinyRecipe.make(data, steps: 40)
            recipe.task = .finetune
            recipe.model = nil
            recipe.initFrom = base.run.path
            recipe.method.type = .lora
            recipe.method.rank = 4
            recipe.method.alpha = 8
            recipe.method.targets = ["in_proj", "out_proj", "q_proj", "v_proj"]
            recipe.data?.train = [data("qa.jsonl")]
            recipe.data?.validation = [data("qa.jsonl")]
            recipe.optimizer.learningRate = 1e-2
            recipe.train.evaluateEvery = 1
            recipe.train.precision = precision
            return recipe
        }

        /// In bf16 the model is held in that, and known by what its files hold.
        @Test(arguments: Precision.allCases)
        func adaptersLowerTheCompletionLossAndLeaveTheRestAsItWas(in precision: Precision) async throws {
            let base = try await pretrained()
            let before = try await base.hashes()
            let fleet = try Fleet(try adapting(base, in: precision))
            try fleet.start()
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 10 }, "\(fleet.output())")
            fleet.kill(SIGTERM)
            #expect(await fleet.wait() == [75])
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let losses = fleet.events().filter { $0.kind == .validation }.compactMap(\.validationLoss)
            #expect(losses.last ?? .nan < (losses.first ?? 0) - 0.3, "\(losses)")
            #expect(try await base.hashes() == before)
            let inspection = try await fleet.inspect(fleet.run.path)
            #expect(inspection["base_sha256_now"] as? String == before.first)
            #expect((inspection["base"] as? [String: String])?["sha256"] == before.first)
            #expect(
                fleet.events().contains {
                    $0.message?.contains("weights that adapters stand on are unchanged") == true
                }
            )
            // 2 Mamba projections and 2 of attention, A and B each.
            #expect(inspection["tensors"] as? Double == 8)
            let text = try await Spawn.output(
                [
                    "generate", "--run-folder", fleet.run.path, "--prompt", "question 3? ", "--max-tokens", "30",
                    "--greedy",
                ])
            #expect(text.hasPrefix("question 3? it is "), "\(text)")
            // Held in bf16, the base is still the one that they were trained on.
            let half = try await Spawn.output([
                "generate", "--run-folder", fleet.run.path, "--prompt", "question 3? ", "--max-tokens", "30",
                "--greedy", "--device", "cpu", "--dtype", "bf16",
            ])
            #expect(half.hasPrefix("question 3? it is ") && half.contains("on cpu in bf16"), "\(half)")
        }

        /// The run that was adapted loses its checkpoints, as by pruning; adapters, and what stands on them, live on.
        @Test(arguments: Precision.allCases)
        func adaptersOutliveTheCheckpointTheyWereMadeFrom(in precision: Precision) async throws {
            let base = try await pretrained()
            let hashes = try await base.hashes()
            let fleet = try Fleet(try adapting(base, in: precision))
            try fleet.start(ranks: 2)
            #expect(await fleet.poll { fleet.lastStep(epoch: 1) >= 3 }, "\(fleet.output())")
            fleet.kill(SIGTERM)
            #expect(await fleet.wait() == [75, 75])
            try FileManager.default.removeItem(atPath: base.run.checkpoints)
            #expect(try await fleet.live(ranks: 2) == [0, 0], "\(fleet.output())")
            let inspection = try await fleet.inspect(fleet.run.path)
            let stands = try #require(inspection["base"] as? [String: String])
            #expect(stands == ["folder": fleet.run.base, "sha256": try #require(hashes.first)])
            var recipe = try TinyRecipe.make(data, steps: 1)
            recipe.model = nil
            recipe.initFrom = fleet.run.path
            let last = try Fleet(recipe)
            #expect(try await last.live() == [0], "\(last.output())")
            // Adapters on adapters know what they stand on by its merged weights in fp32.
            recipe = try adapting(base, in: precision)
            (recipe.initFrom, recipe.train.steps) = (fleet.run.path, 2)
            let stacked = try Fleet(recipe)
            #expect(try await stacked.live() == [0], "\(stacked.output())")
            let words = ["generate", "--run-folder", stacked.run.path, "--prompt", "question 3? ", "--greedy"]
            let half = try await Spawn.output(words + ["--max-tokens", "5", "--device", "cpu", "--dtype", "bf16"])
            #expect(half.hasPrefix("question 3? ") && half.contains("on cpu in bf16"), "\(half)")
            let models = [last.run.base, last.run.base + "-1"].map(CheckpointFolder.init)
            #expect(try models.allSatisfy { try $0.entries() == ["manifest.json", "model.safetensors"] })
        }

        @Test func aTargetThatMatchesNothingNamesTheModulesThereAre() async throws {
            let base = try await pretrained()
            var recipe = try adapting(base)
            recipe.method.targets = ["in_proj", "query"]
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [78])
            #expect(fleet.output().contains("no module is named 'query'; the model has"), "\(fleet.output())")
        }
    }
}
