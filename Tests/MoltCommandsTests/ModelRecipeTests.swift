import FoundationEssentials
import MoltAPI
import MoltCommands
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// `molt eval`, `molt generate` and `molt model export` with `--site`: the words of the command, as a recipe.
struct ModelRecipeTests {
    private func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }

    private func evaluation(_ text: String, task: String = "needle") throws -> ModelRecipe {
        try .evaluation(
            words(text), task: task, model: "/runs/7k2m", data: ["a.jsonl", "/b/*"], checkpoint: "best", in: "/home/me")
    }

    private func generation(_ text: String) throws -> ModelRecipe {
        try .generation(
            words(text), model: "/models/my model", prompts: [], file: "in.jsonl", out: "out.jsonl", in: "/home/me")
    }

    @Test func everyOptionOfAnEvaluationHasItsKey() throws {
        let made = try evaluation(
            "--sizes 64,128 --depths=0,0.5 --samples 3 --seed 7 --sequence-length 32 --stride 8 --delimiter : "
                + "--max-tokens 5 --stop . --stop ; --batch 2 --dtype bf16 --threads 8 resources.time=1:00:00")
        var wanted = EvaluationSection(task: .needle)
        (wanted.checkpoint, wanted.sizes, wanted.depths) = ("best", [64, 128], [0, 0.5])
        (wanted.samples, wanted.seed, wanted.sequenceLength, wanted.stride) = (3, 7, 32, 8)
        (wanted.delimiter, wanted.tokensMax, wanted.stop) = (":", 5, [".", ";"])
        (wanted.batch, wanted.dtype) = (2, .bf16)
        #expect(made.recipe.evaluation == wanted && made.changes == ["resources.time=1:00:00"])
        #expect(made.recipe.task == .evaluate && made.recipe.name == "eval-needle-7k2m")
        #expect(made.recipe.initFrom == "/runs/7k2m" && made.recipe.resources.cpusPerRank == 8)
        #expect(made.recipe.data?.validation == ["/home/me/a.jsonl", "/b/*"])
        try expectLoads(made)
    }

    @Test func everyOptionOfAGenerationHasItsKey() throws {
        let made = try generation(
            "--max-tokens 5 --temperature 0.5 --top-k 4 --top-p 0.75 --min-p 0.25 --repetition-penalty 1.5 --stop . "
                + "--seed 9 --num-samples 3 --batch 2 --dtype bf16")
        var wanted = GenerationSection()
        (wanted.promptsFile, wanted.out) = ("/home/me/in.jsonl", "/home/me/out.jsonl")
        (wanted.tokensMax, wanted.temperature, wanted.topK, wanted.topP) = (5, 0.5, 4, 0.75)
        (wanted.minP, wanted.repetitionPenalty, wanted.stop) = (0.25, 1.5, ["."])
        (wanted.seed, wanted.samples, wanted.batch, wanted.dtype) = (9, 3, 2, .bf16)
        #expect(made.recipe.generation == wanted && made.recipe.name == "generate-my-model")
        #expect(try generation("--greedy").recipe.generation?.temperature == 0)
        try expectLoads(made)
    }

    @Test func aDeviceOfASiteIsAGPUOrNone() throws {
        #expect(try evaluation("").recipe.resources.gpusPerNode == 0)
        #expect(try evaluation("").recipe.evaluation?.dtype == nil)
        for (word, gpus) in [("cpu", 0), ("cuda", 1)] {
            #expect(try evaluation("--device \(word)").recipe.resources.gpusPerNode == gpus)
            let made = try generation("--device \(word)")
            #expect(made.recipe.resources.gpusPerNode == gpus)
            try expectLoads(made)
        }
    }

    @Test func aConversionHasItsKeys() throws {
        var section = ConversionSection(format: .nemo, out: "/o/m.nemo")
        section.tensorParallel = 2
        let made = try ModelRecipe.conversion(["resources.memory=4G"], "export", model: "/runs/7k2m", section: section)
        #expect(made.recipe.conversion == section && made.recipe.task == .convert && made.recipe.name == "export-7k2m")
        #expect(made.changes == ["resources.memory=4G"])
        try expectLoads(made)
    }

    private func expectLoads(_ made: ModelRecipe) throws {
        let loader = RecipeLoader(source: NoRecipes(), currentFolder: "/home/me")
        #expect(try loader.load(text: RecipeText.yaml(made.recipe), label: "x").recipe == made.recipe)
    }

    @Test(arguments: [
        ("--json", "--json means nothing on a site"), ("--sizes", "--sizes needs a value"),
        ("--sizes 4,x", "needs numbers like 4,8,16, and '4,x' are none"), ("--stride 0", "whole number above zero"),
        ("--dtype fp8", "one of fp32, bf16, and 'fp8' is none of them"), ("more", "'more' is one word too many"),
        ("--samples -1", "at least 0"), ("--device cuda:1", "'cuda:1' is no device of a run on a site"),
        ("--device", "--device needs a value"),
    ])
    func whatCannotBeMeantIsRefused(words: String, expected: String) {
        let error = #expect(throws: UserError.self) { try evaluation(words) }
        #expect(error?.what.contains(expected) == true, "\(error?.what ?? "")")
    }

    @Test func aTaskThatIsNoneIsRefused() {
        let error = #expect(throws: UserError.self) { try evaluation("", task: "recal") }
        #expect(error?.what.contains("--task is one of perplexity, ") == true)
    }
}

/// The real engine on the local site: one small model, asked in every way there is.
@Suite(.serialized)
struct ModelSiteTests {
    private func wait(_ molt: Molt, _ run: String) async throws -> RunDetail {
        var last: RunDetail?
        try await molt.until("\(run) has ended", within: 150) {
            let answer = try molt("show", run, "--json")
            last = try JSONDecoder().decode(RunDetail.self, from: Data(answer.out.utf8))
            return last?.summary.finishedAt != nil
        }
        return try #require(last)
    }

    private func submit(_ molt: Molt, _ words: String...) async throws -> RunDetail {
        let answer = try molt.run("\(molt.programs)/molt", words + ["--site", "local"])
        try #require(answer.status == 0, "\(answer.error)\(answer.out)")
        let detail = try await wait(molt, String(answer.out.prefix(RunID.length)))
        let logs = try molt("logs", detail.summary.id).out
        #expect(detail.summary.state == .finished, "\(logs)")
        return detail
    }

    @Test func aModelIsAskedWritesAndIsExportedByRunsOfTheirOwn() async throws {
        let molt = try Molt()
        let text = (0..<200).map { "line \($0): the quick brown fox jumps over \($0 % 7) lazy dogs.\n" }.joined()
        try molt.write(text, to: "text.txt")
        try molt.write(
            """
            name: tiny
            task: pretrain
            model: {pattern: "M*", hidden_size: 32, mamba_heads: 2, mamba_head_dim: 16, state_size: 8, chunk_size: 32,
              attention_heads: 2, kv_heads: 1, attention_head_dim: 16}
            data: {train: text.txt, sequence_length: 64}
            train: {steps: 3, global_batch: 2, threads: 1}
            checkpoint: {every_steps: 2}
            """, to: "r.yaml")
        let trained = try molt("submit", "r.yaml", "--wait")
        try #require(trained.status == 0, "\(trained.error)\(trained.out)")
        let model = try await wait(molt, "tiny")

        let asked = try await submit(
            molt, "eval", "tiny", "--task", "perplexity", "--data", "text.txt", "--sequence-length", "64",
            "--checkpoint", "all", "resources.time=10m")
        #expect(asked.summary.name == "eval-perplexity-\(model.summary.id)")
        #expect((asked.summary.step, asked.summary.steps) == (2, 2))
        let list = try molt("eval", "show", "tiny", "--json")
        let found = try JSONDecoder().decode(EvaluationList.self, from: Data(list.out.utf8)).evaluations
        #expect(found.map(\.step) == [2, 3] && found.allSatisfy { $0.task == "perplexity" })
        #expect(asked.evaluations == found)

        let written = try await submit(
            molt, "generate", "tiny", "--prompt", "line", "--prompt", "the", "--max-tokens", "5", "--out", "new.jsonl")
        let texts = try molt.text(molt.folder("new.jsonl")).split(separator: "\n")
        #expect(texts.count == 2 && texts.allSatisfy { $0.contains("\"finish\":") })
        #expect(try molt.text("\(written.runFolder)/generated.jsonl") == molt.text(molt.folder("new.jsonl")))

        _ = try await submit(molt, "model", "export", "tiny", "--out", "hf")
        let same = try molt("model", "verify", "tiny", "hf")
        #expect(same.status == 0, "\(same.out)\(same.error)")

        // What would fail there is refused here.
        let twice = try molt("model", "export", "tiny", "--out", "hf", "--site", "local")
        #expect(twice.status == 2 && twice.error.contains("is there already"), "\(twice.error)")
        let none = try molt("eval", "tiny", "--task", "recall", "--checkpoint", "9", "--site", "local")
        #expect(none.status == 2 && none.error.contains("there is no checkpoint '9'"), "\(none.error)")
        let wide = try molt("eval", "tiny", "--task", "recall", "--site", "local", "resources.ranks_per_node=2")
        #expect(wide.status == 2 && wide.error.contains("is done by one worker"), "\(wide.error)")
    }
}
