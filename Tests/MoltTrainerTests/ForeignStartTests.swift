import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

extension WorkerTests {
    /// A Hugging Face folder in the place of a checkpoint: as `init_from`, and for the verbs that read a model.
    struct ForeignStartTests {
        private let data = TemporaryFolder("data")

        private func exported() async throws -> (fleet: Fleet, folder: String) {
            let fleet = try Fleet(try TinyRecipe.make(data, steps: 30))
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let folder = data("exported")
            let report = try await Spawn.output(
                ["convert", fleet.run.path, "--format", "hf", "--out", folder, "--json"])
            #expect(report.contains("\"is_finite\":true"), "\(report)")
            return (fleet, folder)
        }

        @Test func aRunGoesOnFromTheWeightsOfAHuggingFaceFolder() async throws {
            let (pretrained, folder) = try await exported()
            let last = pretrained.events().filter { $0.kind == .validation }.compactMap(\.validationLoss).last
            for method in [MethodSection.MethodType.full, .lora] {
                var recipe = try TinyRecipe.make(data, steps: 2)
                recipe.model = nil
                recipe.initFrom = folder
                recipe.method.type = method
                recipe.method.targets = ["in_proj", "q_proj"]
                recipe.optimizer.learningRate = 1e-9
                recipe.train.evaluateEvery = 1
                let fleet = try Fleet(recipe)
                #expect(try await fleet.live() == [0], "\(fleet.output())")
                let first = fleet.events().filter { $0.kind == .validation }.compactMap(\.validationLoss).first
                #expect(
                    abs((first ?? 9) - (last ?? 0)) < 1e-5,
                    "\(String(describing: first)) after \(String(describing: last))")
                // Adapters have a base of their own; they need the folder no more.
                #expect(FileManager.default.fileExists(atPath: fleet.run.base) == (method == .lora))
            }
        }

        @Test func aHuggingFaceFolderIsGeneratedFromEvaluatedAndVerified() async throws {
            let (pretrained, folder) = try await exported()
            let words = ["--prompt", "line 7: the quick", "--max-tokens", "20", "--greedy"]
            // How fast it went stands below the text.
            let text = { (folder: String) in
                try await Spawn.output(["generate", "--run-folder", folder] + words).split(separator: "\n")
                    .filter { !$0.contains("tokens/s") }
            }
            let own = try await text(pretrained.run.path)
            #expect(!own.isEmpty)
            #expect(try await text(folder) == own)
            let loss = { (path: String) in
                try await Spawn.output([
                    "evaluate", "--run-folder", path, "--data", data("train.txt"), "--sequences", "2",
                ])
            }
            let losses = (try await loss(folder), try await loss(pretrained.run.path))
            #expect(
                losses.0.split(separator: ",").first { $0.contains("loss") }
                    == losses.1.split(separator: ",").first { $0.contains("loss") })
            let report = try await Spawn.output(["verify", folder])
            #expect(report.contains("finite over 32 tokens") && report.contains("missing   none"), "\(report)")
        }
    }
}
