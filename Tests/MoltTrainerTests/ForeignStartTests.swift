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
                // The export of a model of bytes has them as a tokenizer that other tools read, too.
                #expect(try tokenizer(of: fleet)?.hasPrefix("tokenizer.json@") == true)
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

        /// A run of four steps with a tokenizer of a file, and its export.
        private func exportedWithTokenizer() async throws -> (fleet: Fleet, folder: String) {
            let files = TemporaryFolder("tokenizer")
            try TinyTokenizer.write(to: files)
            var recipe = try TinyRecipe.make(data, steps: 4)
            recipe.data?.tokenizer = files.path
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let folder = data("with-tokenizer")
            _ = try await Spawn.output(["convert", fleet.run.path, "--format", "hf", "--out", folder])
            return (fleet, folder)
        }

        private func finetuning(_ start: String, _ type: MethodSection.MethodType = .full) throws -> Recipe {
            var recipe = try TinyRecipe.make(data, steps: 4)
            recipe.task = .finetune
            recipe.model = nil
            recipe.initFrom = start
            recipe.method.type = type
            recipe.method.targets = ["in_proj"]
            return recipe
        }

        private func tokenizer(of fleet: Fleet) throws -> String? {
            try fleet.checkpoints.newest { _, _ in }?.manifest.state["tokenizer"]
        }

        @Test func withoutAKeyTheTokenizerIsTheModelsOwnToTheEnd() async throws {
            let (pretrained, folder) = try await exportedWithTokenizer()
            let name = try #require(try tokenizer(of: pretrained))
            #expect(name.hasPrefix("tokenizer.json@sha256:"))
            // The export says besides that texts begin with a token, as Molt trained it.
            let config = String(decoding: try DurableFile.read("\(folder)/tokenizer_config.json"), as: UTF8.self)
            #expect(config.contains("\"add_bos_token\": true"), "\(config)")
            // A folder of another tool's, and a run of Molt's; trained whole, and below adapters.
            let own = pretrained.run.path, hidden = ["\(folder)/tokenizer.json", "\(own)/tokenizer"]
            for (start, type) in [(folder, MethodSection.MethodType.full), (folder, .lora), (own, .lora)] {
                var recipe = try finetuning(start, type)
                let fleet = try Fleet(recipe)
                #expect(try await fleet.live() == [0], "\(fleet.output())")
                let taken = try #require(try tokenizer(of: fleet))
                #expect(taken.hasPrefix("tokenizer.json@sha256:") && (taken == name) == (start == own), "\(type)")
                let notes = fleet.events().compactMap(\.message)
                #expect(notes.contains { $0.hasPrefix("the tokenizer is that of the model") }, "\(notes)")
                // What lies there may change: the run goes on with what it began with.
                for file in hidden { try FileManager.default.moveItem(atPath: file, toPath: file + ".away") }
                recipe.train.steps = 6
                try fleet.write(recipe)
                #expect(try await fleet.live() == [0], "\(fleet.output())")
                #expect(try tokenizer(of: fleet) == taken, "\(type)")
                for file in hidden { try FileManager.default.moveItem(atPath: file + ".away", toPath: file) }
            }
        }

        @Test func aModelWithoutATokenizerIsNotTakenForOneOfBytes() async throws {
            let (_, folder) = try await exportedWithTokenizer()
            let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("tokenizer") }
            for file in files { try FileManager.default.removeItem(atPath: "\(folder)/\(file)") }
            let fleet = try Fleet(try finetuning(folder))
            #expect(try await fleet.live() == [78])
            #expect(fleet.output().contains("has no tokenizer beside it, and the data is text"), "\(fleet.output())")
            #expect(fleet.output().contains("set 'data.tokenizer'"), "\(fleet.output())")
            let order = ["generate", "--run-folder", folder, "--prompt", "the ox", "--max-tokens", "2"]
            let refusal = try await Spawn.output(order, status: 78)
            #expect(refusal.contains("no tokenizer beside it") && refusal.contains("--tokenizer"), "\(refusal)")
            #expect(try await Spawn.output(order + ["--tokenizer", "bytes"]).hasPrefix("the ox"))
            // An import takes one along.
            let tokenizer = TemporaryFolder("tokenizer")
            try TinyTokenizer.write(to: tokenizer)
            _ = try await Spawn.output([
                "convert", folder, "--format", "molt", "--out", data("imported"), "--tokenizer", tokenizer.path,
            ])
            let imported = ["generate", "--run-folder", data("imported")] + order[3...]
            #expect(try await Spawn.output(Array(imported)).hasPrefix("the ox"))
        }
    }
}
