import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// `task: evaluate`, `generate` and `convert`: what passes the check is what the engine can do.
struct ModelTaskTests {
    private static let start = "init_from: /models/m\n"

    @Test func everyKeyOfAnEvaluationIsReadAndShown() throws {
        let recipe = try RecipeFixture.load(
            """
            task: evaluate
            init_from: /models/m
            data: {validation: held-out.jsonl}
            evaluation:
              {task: multiple-choice, checkpoint: best, sizes: [4, 8], depths: [0, 0.5], samples: 3, seed: 7,
               sequence_length: 2k, stride: 100, delimiter: "\\n", max_tokens: 5, stop: ["\\n\\n", "#"], batch: 2,
               dtype: bf16}
            """)
        var wanted = EvaluationSection(task: .multipleChoice)
        (wanted.checkpoint, wanted.sizes, wanted.depths) = ("best", [4, 8], [0, 0.5])
        (wanted.samples, wanted.seed, wanted.sequenceLength, wanted.stride) = (3, 7, 2000, 100)
        (wanted.delimiter, wanted.tokensMax, wanted.stop) = ("\n", 5, ["\n\n", "#"])
        (wanted.batch, wanted.dtype) = (2, .bf16)
        #expect(recipe.evaluation == wanted && recipe.data?.validation == ["/here/held-out.jsonl"])
        try expectReadsBack(recipe)
    }

    @Test func everyKeyOfAGenerationIsReadAndShown() throws {
        let recipe = try RecipeFixture.load(
            """
            task: generate
            init_from: /models/m
            generation:
              {prompts: ["Once\\n", "a: b"], max_tokens: 5, temperature: 0, top_k: 4, top_p: 0.5, min_p: 0.25,
               repetition_penalty: 1.5, stop: ["."], seed: 9, num_samples: 3, batch: 2, dtype: bf16, out: texts.jsonl}
            """)
        var wanted = GenerationSection()
        (wanted.prompts, wanted.tokensMax, wanted.temperature) = (["Once\n", "a: b"], 5, 0)
        (wanted.topK, wanted.topP, wanted.minP, wanted.repetitionPenalty) = (4, 0.5, 0.25, 1.5)
        (wanted.stop, wanted.seed, wanted.samples, wanted.batch) = (["."], 9, 3, 2)
        (wanted.dtype, wanted.out) = (.bf16, "/here/texts.jsonl")
        #expect(recipe.generation == wanted)
        try expectReadsBack(recipe)
    }

    @Test func everyKeyOfAConversionIsReadAndShown() throws {
        let recipe = try RecipeFixture.load(
            Self.start + "task: convert\nconversion: {format: megatron, out: x/y, dtype: bf16, tensor_parallel: 4}")
        var wanted = ConversionSection(format: .megatron, out: "/here/x/y")
        (wanted.dtype, wanted.tensorParallel) = (.bf16, 4)
        #expect(recipe.conversion == wanted)
        try expectReadsBack(recipe)
        let shards = try RecipeFixture.load(
            Self.start + "task: convert\nconversion: {format: hf, out: /o, shard_bytes: 2G}")
        #expect(shards.conversion?.shardBytes == 2 << 30)
        try expectReadsBack(shards)
    }

    private func expectReadsBack(_ recipe: Recipe) throws {
        #expect(try JSONDecoder().decode(Recipe.self, from: JSONFile.encode(recipe)) == recipe)
        #expect(try RecipeFixture.load(RecipeText.yaml(recipe)) == recipe)
        #expect(recipe.plannedSteps == nil && Estimate(recipe) == nil)
    }

    @Test(arguments: [
        ("evaluate", "", "'task: evaluate' needs to know what to evaluate"),
        ("evaluate", "evaluation: {task: perplexity}", "'task: perplexity' of an evaluation needs 'data.validation'"),
        ("evaluate", "evaluation: {}", "'task' is missing"),
        ("evaluate", "evaluation: {task: recal}", "did you mean 'recall'"),
        ("evaluate", "evaluation: {task: recall, size: 4}", "did you mean 'sizes'"),
        ("evaluate", "evaluation: {task: recall, checkpoint: first}", "expected a step, best or all"),
        ("evaluate", "evaluation: {task: recall, sizes: [0]}", "item 1: expected a whole number of at least 1"),
        ("evaluate", "evaluation: {task: needle, depths: [2]}", "a depth from 0"),
        ("evaluate", "evaluation: {task: needle, depths: []}", "there is no depth"),
        ("evaluate", "evaluation: {task: recall, stride: 9, sequence_length: 8}", "tokens would be passed over"),
        ("evaluate", "evaluation: {task: recall}\nresources: {nodes: 2}", "is done by one worker"),
        ("evaluate", "evaluation: {task: recall}\nresources: {ranks_per_node: 2}", "is done by one worker"),
        ("evaluate", "evaluation: {task: recall}\nresources: {gpus_per_node: 2}", "computes on one GPU: 1 would stand"),
        ("generate", "generation: {prompts: [a], dtype: fp16}", "'fp16' is not one of fp32, bf16"),
        ("evaluate", "evaluation: {task: recall}\ngeneration: {prompts: [a]}", "'generation' is only for 'task: gen"),
        ("generate", "", "'task: generate' needs to know what to continue"),
        ("generate", "generation: {max_tokens: 5}", "there is nothing to continue"),
        ("generate", "generation: {prompts: [a], prompts_file: b}", "there are two sources of prompts"),
        ("generate", "generation: {prompts: [a], top_p: 0}", "a number above 0 and at most 1"),
        ("generate", "generation: {prompts: [a], stop: ['']}", "a text of 1 to 4096 bytes"),
        ("generate", "generation: {prompts: [a], topk: 4}", "did you mean 'top_k'"),
        ("convert", "", "needs to know the layout to write"),
        ("convert", "conversion: {format: hf}", "'out' is missing"),
        ("convert", "conversion: {format: onnx, out: o}", "'onnx' is not one of molt, hf"),
        ("convert", "conversion: {format: nemo, out: o}", "their names end in .nemo"),
        ("convert", "conversion: {format: hf, out: o, tensor_parallel: 2}", "for the formats megatron and nemo"),
        ("convert", "conversion: {format: molt, out: o, shard_bytes: 1G}", "is for the format hf"),
        ("pretrain", "extends: base\nevaluation: {task: recall}", "'evaluation' is only for 'task: evaluate'"),
    ])
    func whatTheEngineCouldNotDoIsRefused(task: String, rest: String, expected: String) {
        let complaints = RecipeFixture.complaints(Self.start + "task: \(task)\n" + rest)
        #expect(complaints.joined(separator: "\n").contains(expected), "\(complaints)")
    }

    @Test(arguments: [
        ("evaluate", "evaluation: {task: recall}"), ("generate", "generation: {prompts: [a]}"),
        ("convert", "conversion: {format: hf, out: o}"),
    ])
    func theModelAndTheSectionAreEnough(task: String, section: String) throws {
        #expect(try RecipeFixture.load(Self.start + "task: \(task)\n" + section).task.rawValue == task)
        let without = RecipeFixture.complaints("task: \(task)\n" + section)
        #expect(without.count == 1 && without[0].contains("needs a model"), "\(without)")
    }

    /// One rank and one GPU; what is computed in follows from it unless the section says.
    @Test(arguments: [
        ("evaluate", "evaluation: {task: recall}"), ("generate", "generation: {prompts: [a]}"),
        ("convert", "conversion: {format: hf, out: o}"),
    ])
    func aGPUCanBeAskedFor(task: String, section: String) throws {
        let text = Self.start + "task: \(task)\n" + section
        let recipe = try RecipeFixture.load(text + "\nresources: {gpus_per_node: 1}")
        #expect(recipe.resources.gpusPerNode == 1 && recipe.worldSize == 1 && recipe.gpusPerRank == 1)
        #expect(recipe.generation?.dtype == nil && recipe.evaluation?.dtype == nil)
        try expectReadsBack(recipe)
    }

    @Test func filesAreLookedAtBeforeAnythingIsQueued() throws {
        let folder = TemporaryFolder("files"), model = folder("model")
        try DurableFile.makeFolder(model)
        try DurableFile.write(Data("{}".utf8), to: "\(model)/config.json")
        func problems(_ text: String, from start: String = model) throws -> String {
            let recipe = try RecipeFixture.load("init_from: \(start)\n" + text)
            return DataFiles.problems(recipe).map(\.description).joined(separator: "\n")
        }
        let generate = "task: generate\ngeneration: {prompts_file: \(folder("in.jsonl"))}"
        #expect(try problems(generate).contains("generation.prompts_file: there is no file"))
        try DurableFile.write(Data("{\"prompt\": \"a\"}".utf8), to: folder("in.jsonl"))
        #expect(try problems(generate) == "")
        #expect(try problems("task: convert\nconversion: {format: hf, out: \(model)}").contains("is there already"))
        #expect(try problems("task: convert\nconversion: {format: hf, out: \(model)-2}") == "")
        #expect(try problems(generate, from: folder("nothing")).contains("init_from: there is no file"))
        #expect(try problems("task: evaluate\nevaluation: {task: recall, checkpoint: 5}").contains("no checkpoint '5'"))
    }

    @Test func aRunWithoutTheCheckpointThatIsAskedForIsRefused() throws {
        let folder = TemporaryFolder("run"), run = RunFolder(path: folder("run"))
        try DurableFile.makeFolder(run.epochs)
        try DurableFile.write(Data("{}".utf8), to: run.recipe)
        func problem(_ checkpoint: String = "null", from start: String = run.path) throws -> String? {
            let recipe = try RecipeFixture.load(
                "init_from: \(start)\ntask: evaluate\nevaluation: {task: recall, checkpoint: \(checkpoint)}")
            return DataFiles.problems(recipe).first?.description
        }
        #expect(try problem()?.contains("has no checkpoint to start from") == true)
        let name = CheckpointName(step: 4, epoch: 1)
        let place = CheckpointFolder(path: run.checkpoints).folder(of: name)
        try DurableFile.makeFolder(place)
        for wanted in ["null", "4", "all"] { #expect(try problem(wanted) == nil) }
        #expect(try problem(from: "\(run.path)/best") == nil)
        #expect(try problem("5")?.contains("there is no checkpoint '5'") == true)
        #expect(try problem("best")?.contains("no checkpoint knows its validation loss") == true)
    }
}
