import FoundationEssentials
import MoltCheckpoint
import MoltCore
import MoltRecipe
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

extension WorkerTests {
    /// Tasks that train nothing, on the device and in the type that they are told.
    struct ComputeRunTests {
        private let folder = TemporaryFolder("compute")

        private func trained() async throws -> Fleet {
            let fleet = try Fleet(try TinyRecipe.make(folder, steps: 8))
            try #require(try await fleet.live() == [0], "\(fleet.output())")
            return fleet
        }

        private func evaluation(of model: Fleet, _ dtype: Precision?) -> Recipe {
            var recipe = Recipe(name: "compute", task: .evaluate)
            recipe.initFrom = model.run.path
            var section = EvaluationSection(task: .perplexity)
            (section.sequenceLength, section.dtype) = (64, dtype)
            recipe.evaluation = section
            recipe.data = DataSection(train: [])
            recipe.data?.validation = [folder("validation.txt")]
            return recipe
        }

        private func newest(_ fleet: Fleet) -> EvaluationReport? {
            EvaluationFolder.read(fleet.run, EvaluationFolder.names(fleet.run, newest: 1)).reports.first?.report
        }

        @Test func aRunSaysWhereItComputesAndBF16FindsTheSameLoss() async throws {
            let model = try await trained()
            var losses: [Double] = []
            for (dtype, words) in [(nil, "computes on cpu in fp32"), (.bf16, "computes on cpu in bf16")]
                as [(Precision?, String)] {
                let fleet = try Fleet(evaluation(of: model, dtype))
                #expect(try await fleet.live() == [0], "\(fleet.output())")
                #expect(fleet.events().contains { $0.message == words }, "\(words)")
                let report = try #require(newest(fleet))
                #expect(report.settings["precision"] == dtype?.rawValue)
                losses.append(try #require(report.points.first?.measures.first?.value))
            }
            #expect(losses[0] != losses[1] && abs(losses[0] - losses[1]) < 0.02 * losses[0], "\(losses)")
        }

        @Test func aRunWithAGPUComputesOnItOrSaysThatThereIsNone() async throws {
            let model = try await trained()
            var recipe = evaluation(of: model, nil)
            recipe.resources.gpusPerNode = 1
            let fleet = try Fleet(recipe), status = try await fleet.live()
            guard Device.cudaCount == 0 else {
                #expect(status == [0] && fleet.events().contains { $0.message == "computes on cuda:0 in bf16" })
                return
            }
            #expect(status == [78])
            let words = "resources.gpus_per_node: a GPU is asked for, and none is visible to Molt on this machine"
            #expect(fleet.output().contains(words), "\(fleet.output())")
            // It is said before anything is loaded.
            #expect(!fleet.events().contains { $0.phase == .load })
        }

        @Test func scoresInBF16AreThoseInFP32ButForRounding() async throws {
            let model = try await trained()
            try DurableFile.write(Data("[[256, 97, 98, 99, 100], [97]]".utf8), to: folder("tokens.json"))
            var scores: [Tensor] = []
            for dtype in ["fp32", "bf16"] {
                _ = try await Spawn.output([
                    "logits", model.run.path, "--tokens", folder("tokens.json"), "--out", folder(dtype), "--device",
                    "cpu", "--dtype", dtype,
                ])
                let file = try SafetensorsFile(path: folder(dtype))
                let entry = try #require(file.header.entries.first { $0.name == "logits" })
                scores.append(try file.read(entry).tensor())
            }
            #expect(scores[1].dtype == .float32 && scores[0].shape == scores[1].shape)
            let scale = try scores[0].norm().item(), difference = try (scores[0] - scores[1]).norm().item()
            #expect(difference > 0 && difference <= 0.03 * scale, "\(difference) of \(scale)")
        }

        /// A device is looked for before any file: the folder is none.
        @Test(arguments: [
            ["generate", "--run-folder", "/no/model", "--prompt", "a"],
            ["evaluate", "--run-folder", "/no/model", "--task", "recall"],
            ["evaluate", "--run-folder", "/no/model", "--data", "/no/text"],
            ["logits", "/no/model", "--tokens", "/no/tokens", "--out", "/no/out"],
            ["convert", "/no/model", "--format", "hf", "--out", "/no/out"], ["verify", "/no/model"],
        ])
        func aDeviceThatIsNotThereIsRefusedBeforeAnythingIsRead(_ words: [String]) async throws {
            let text = try await Spawn.output(words + ["--device", "cuda:99"], status: 78)
            let expected = "--device: a GPU is asked for, and none is visible"
            #expect(text.contains(expected) && !text.contains("/no/"), "\(text)")
        }
    }
}
