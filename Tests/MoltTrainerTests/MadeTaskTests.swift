import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

#if canImport(Glibc)
import Glibc
#endif

extension WorkerTests {
    /// From a recipe that makes its sequences to a report of what the model recalls, and what the model writes.
    struct MadeTaskTests {
        private static func recipe(steps: Int) throws -> Recipe {
            let folder = TemporaryFolder("made")
            var recipe = try TinyRecipe.make(folder, steps: steps)
            var model = ModelSection(pattern: try LayerPattern(parsing: "**"), hiddenSize: 32, mambaHeads: 4)
            model.family = .mamba2
            (model.attentionHeads, model.keyValueHeads, model.attentionHeadSize) = (2, 2, 16)
            model.attentionConvolution = 4
            recipe.model = model
            var data = DataSection(train: [])
            var synthetic = SyntheticSection()
            (synthetic.size, synthetic.keys, synthetic.values, synthetic.queries) = ([2, 4], 8, 8, 4)
            (data.synthetic, data.sequenceLength) = (synthetic, 15)
            recipe.data = data
            (recipe.train.globalBatch, recipe.train.microBatch) = (32, 32)
            recipe.optimizer.learningRate = 1e-2
            recipe.checkpoint.everySteps = 1000
            return recipe
        }

        @Test func attentionLearnsToRecallAndTheReportLiesBesideTheRun() async throws {
            let fleet = try Fleet(try Self.recipe(steps: 200))
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let losses = fleet.events().filter { $0.kind == .step }.compactMap(\.loss)
            // What is left of ln 8 nats an answer.
            #expect(losses.last ?? .nan < 0.2, "\(losses.last ?? .nan)")
            let text = try await Spawn.output(
                ["evaluate", "--run-folder", fleet.run.path, "--task", "recall", "--samples", "50"])
            let report = try JSONDecoder().decode(EvaluationReport.self, from: Data(text.utf8))
            #expect(report.settings["level"] == "tokens")
            #expect(report.points.map { $0.at["pairs"] } == [2, 4])
            #expect(report.points.map(\.count) == [100, 200])
            #expect(report.points.allSatisfy { $0.measures[0].value > 0.9 }, "\(report.points)")
            let kept = try FileManager.default.contentsOfDirectory(atPath: fleet.run.evaluations)
            #expect(kept.count == 1)
            #expect(
                try JSONFile.read(EvaluationReport.self, from: "\(fleet.run.evaluations)/\(kept[0])").points
                    == report.points)
        }

        @Test func aRunThatIsStoppedGoesOnWithTheSameSequences() async throws {
            let whole = try Fleet(try Self.recipe(steps: 60))
            #expect(try await whole.live() == [0], "\(whole.output())")
            var recipe = try Self.recipe(steps: 60)
            recipe.checkpoint.everySteps = 4
            let halted = try Fleet(recipe, sameNumericsAs: whole)
            try halted.start()
            #expect(await halted.poll { halted.lastStep(epoch: 1) >= 5 }, "\(halted.output())")
            halted.kill(SIGTERM)
            #expect(await halted.wait() == [75])
            #expect(try await halted.live() == [0], "\(halted.output())")
            #expect(try await halted.hashes() == whole.hashes())
        }

        @Test func severalPromptsAreAnsweredInLinesOfJSON() async throws {
            let folder = TemporaryFolder("prompts")
            let fleet = try Fleet(try TinyRecipe.make(folder, steps: 2))
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let lines = ["{\"prompt\": \"line 1\", \"id\": \"a\"}", "{\"prompt\": \"é\", \"seed\": 9}"]
            try DurableFile.write(Data(lines.joined(separator: "\n").utf8), to: folder("p.jsonl"))
            let text = try await Spawn.output(
                [
                    "generate", "--run-folder", fleet.run.path, "--prompts", folder("p.jsonl"), "--max-tokens", "5",
                    "--num-samples", "2", "--top-p", "0.9", "--min-p", "0.01", "--json",
                ])
            let answers = try text.split(separator: "\n").map {
                try JSONDecoder().decode([String: JSONAnswer].self, from: Data($0.utf8))
            }
            // Four texts, and the speed on standard error.
            #expect(answers.count == 5)
            #expect(answers.prefix(4).map { $0["prompt"] } == [.number(0), .number(0), .number(1), .number(1)])
            #expect(answers[0]["id"] == .text("a") && answers[2]["id"] == nil && answers[2]["seed"] == .number(9))
            #expect(answers[4]["tokens"] == .number(20) && answers[4]["texts"] == .number(4))
            guard case .number(let speed) = answers[4]["tokensPerSecond"] else {
                return #expect(Bool(false), "no speed in \(answers[4])")
            }
            #expect(speed > 0)
            let error = await #expect(throws: Spawn.Failure.self) {
                try await Spawn.output(["generate", "--run-folder", fleet.run.path, "--prompt", "a", "--top-p", "3"])
            }
            #expect(error?.text.contains("exit 78") == true && error?.text.contains("top-p must be") == true)
        }

        private enum JSONAnswer: Decodable, Equatable {
            case number(Double), text(String), list([Double])

            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let number = try? value.decode(Double.self) {
                    self = .number(number)
                } else if let text = try? value.decode(String.self) {
                    self = .text(text)
                } else {
                    self = .list(try value.decode([Double].self))
                }
            }
        }
    }
}
