import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import MoltTrainer
import Testing

#if canImport(Glibc)
import Glibc
#endif

extension WorkerTests {
    /// `task: evaluate`, `generate` and `convert`: real workers that read the recipe from their run's folder, one model
    /// for all of them.
    final class SoloRunTests {
        private let folder = TemporaryFolder("solo")

        /// A run with checkpoints at the steps 4 and 8.
        private func trained() async throws -> Fleet {
            let recipe = try TinyRecipe.make(folder, steps: 8)
            let fleet = try Fleet(recipe)
            try #require(try await fleet.live() == [0], "\(fleet.output())")
            return fleet
        }

        private func recipe(_ task: Recipe.TaskKind, of model: Fleet) -> Recipe {
            var recipe = Recipe(name: "solo", task: task)
            recipe.initFrom = model.run.path
            return recipe
        }

        private func reports(_ run: RunFolder) -> [EvaluationReport] {
            EvaluationFolder.read(run, EvaluationFolder.names(run, newest: 100)).reports.map(\.report)
        }

        @Test func aRunEvaluatesEachCheckpointThatHasNoReport() async throws {
            let model = try await trained()
            var recipe = recipe(.evaluate, of: model)
            var section = EvaluationSection(task: .perplexity)
            (section.checkpoint, section.sequenceLength) = ("all", 64)
            recipe.evaluation = section
            recipe.data = DataSection(train: [])
            recipe.data?.validation = [folder("validation.txt")]
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let before = reports(fleet.run)
            #expect(before.map(\.step) == [4, 8])
            // As if it had been killed behind the first of the two, before that run was told.
            for run in [fleet.run, model.run] {
                let names = EvaluationFolder.names(run, newest: 9)
                #expect(names.count == 2)
                let gone = run == model.run ? names : Array(names.suffix(1))
                for name in gone { try FileManager.default.removeItem(atPath: "\(run.evaluations)/\(name).json") }
            }
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let all = reports(fleet.run)
            #expect(all.map(\.step) == [4, 8] && all[0] == before[0] && all[1].createdAt > before[1].createdAt)
            // The run that was asked has them too, and each once.
            #expect(reports(model.run) == all)
            #expect(fleet.events().last { $0.kind == .step }?.step == 2)
            #expect(fleet.events().contains { $0.message?.hasPrefix("perplexity at step 8: loss ") == true })
            // The verb on the command line finds the same.
            let place = model.checkpoints.folder(of: CheckpointName(step: 8, epoch: 1))
            let text = try await Spawn.output([
                "evaluate", "--run-folder", place, "--task", "perplexity", "--data", folder("validation.txt"),
                "--sequence-length", "64",
            ])
            let same = try JSONDecoder().decode(EvaluationReport.self, from: Data(text.utf8))
            #expect(same.points[0].count == all[1].points[0].count)
            #expect(abs(same.points[0].measures[0].value - all[1].points[0].measures[0].value) < 1e-4)
            // A start of a run that is done does nothing more.
            #expect(try await fleet.live() == [0])
            #expect(reports(fleet.run) == all)
        }

        @Test func textsAreTheSameWhateverIsStoppedAndKilled() async throws {
            let model = try await trained()
            var recipe = recipe(.generate, of: model)
            var section = GenerationSection()
            section.prompts = (0..<9).map { "line \($0): the" }
            (section.tokensMax, section.batch, section.samples, section.seed) = (40, 2, 2, 5)
            section.out = folder("new/texts.jsonl")
            recipe.generation = section
            let fleet = try Fleet(recipe)
            func lines() -> Int {
                (fleet.epoch > 0 ? [fleet.epoch] : []).compactMap { epoch in
                    try? DurableFile.read("\(fleet.run.path)/generated.jsonl.part-\(epoch)").count { $0 == 0x0A }
                }.first ?? 0
            }
            for (signal, end) in [(SIGTERM, 75), (SIGKILL, -SIGKILL)] as [(Int32, Int32)] {
                let before = lines()
                try fleet.start()
                #expect(await fleet.poll { lines() > before + 2 }, "\(fleet.output())")
                fleet.kill(signal)
                #expect(await fleet.wait() == [end], "\(fleet.output())")
            }
            // As if the last batch had been cut short.
            let part = "\(fleet.run.path)/generated.jsonl.part-\(fleet.epoch)"
            let written = try DurableFile.read(part)
            try DurableFile.write(written.dropLast(20), to: part)
            // The run that wrote them has a newer checkpoint by now.
            try model.write(try TinyRecipe.make(folder, steps: 12))
            try #require(try await model.live() == [0], "\(model.output())")
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let made = try DurableFile.read(folder("new/texts.jsonl"))
            #expect(try DurableFile.read("\(fleet.run.path)/generated.jsonl") == made)
            var other = recipe
            other.generation?.out = nil
            let place = model.checkpoints.folder(of: CheckpointName(step: 8, epoch: 1))
            other.initFrom = place
            let again = try Fleet(other)
            #expect(try await again.live() == [0], "\(again.output())")
            #expect(try DurableFile.read("\(again.run.path)/generated.jsonl") == made)
            #expect(again.events().last { $0.kind == .step }?.step == 18)
            // What the verb on the command line writes.
            let prompts = section.prompts.flatMap { ["--prompt", $0] }
            let text = try await Spawn.output(
                ["generate", "--run-folder", place, "--max-tokens", "40", "--batch", "2", "--num-samples", "2"]
                    + ["--seed", "5", "--json"] + prompts)
            let told = text.split(separator: "\n").filter { $0.contains("\"finish\"") }
            let records = told.map { try? JSONDecoder().decode(GenerationJob.Record.self, from: Data($0.utf8)) }
            let ours = made.split(separator: 0x0A).map {
                try? JSONDecoder().decode(GenerationJob.Record.self, from: Data($0))
            }
            #expect(records.map { $0?.text } == ours.map { $0?.text } && records.count == 18)
            other.generation?.prompts[3] = "other"
            try again.write(other)
            #expect(try await again.live() == [78])
            #expect(again.output().contains("the prompts are not those that the run began with"))
        }

        @Test func aConversionIsWholeOrNotThereAndMadeOnce() async throws {
            let model = try await trained(), out = folder("exports/hf")
            var recipe = recipe(.convert, of: model)
            recipe.conversion = ConversionSection(format: .hf, out: out)
            let fleet = try Fleet(recipe)
            // What a start that was killed has left behind.
            let staged = folder("exports/.molt-run-hf")
            try DurableFile.makeFolder("\(staged).tmp-1-2")
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder("exports")) == ["hf"])
            let weights = try DurableFile.read("\(out)/model.safetensors")
            let compared = try await Spawn.output(["verify", model.run.path, out])
            #expect(compared.contains("tensors are equal"), "\(compared)")
            // As if it had been killed before the last step, and behind it.
            #expect(rename(out, staged) == 0)
            for _ in 0..<2 {
                #expect(try await fleet.live() == [0], "\(fleet.output())")
                #expect(try DurableFile.read("\(out)/model.safetensors") == weights)
            }
            // Somebody else's folder is not touched.
            let other = try Fleet(recipe)
            #expect(try await other.live() == [78], "\(other.output())")
            #expect(other.output().contains("it is there already"))
        }

        @Test func whatIsNoRunOfOneWorkerIsRefused() async throws {
            var recipe = Recipe(name: "solo", task: .evaluate)
            recipe.initFrom = folder("model")
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [78])
            #expect(fleet.output().contains("does not say what to evaluate"), "\(fleet.output())")
            #expect(try await fleet.live(ranks: 2) == [78, 78])
            #expect(fleet.output().contains("2 ranks were started, and one does the work"), "\(fleet.output())")
        }
    }
}
