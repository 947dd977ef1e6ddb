import MoltRecipe
import Testing

/// A run that cannot fit its GPUs is refused before it is submitted, one that may not is warned of.
struct MemoryFitTests {
    /// 1.56 billion parameters, most of them embeddings: all weights take 26.2 GiB with gradients and AdamW's moments.
    private static let model = "pattern: MM, hidden_size: 4096, mamba_heads: 128, groups: 8, vocab_size: 163840, "
        + "tied_embeddings: false"

    private func recipe(_ more: String...) throws -> Recipe {
        let base = """
            name: r
            task: finetune
            init_from: /models/start
            model: {\(Self.model)}
            data: {train: /x.jsonl, sequence_length: 2048}
            train: {steps: 10, global_batch: 8, precision: bf16}
            """
        return try RecipeFixture.load(([base] + more).joined(separator: "\n"))
    }

    private func site(memory: Int? = nil) -> Site {
        var site = Site(name: "cluster", kind: .slurm, prefix: "/p", runs: "/r")
        site.gpus.memory = memory
        return site
    }

    private func problems(_ recipe: Recipe, _ site: Site) -> [String] {
        SiteCheck.problems(recipe, site: site).map(\.description)
    }

    /// 18 bytes a parameter: fp32 weights, gradients and two moments, and the bf16 copy that a step computes with.
    @Test func whatCannotFitIsRefusedWithTheReasonAndAWayOut() throws {
        let recipe = try recipe("resources: {gpus_per_node: 8, gpu_memory: 16G}")
        let held = try #require(Estimate.Memory(recipe)).held
        #expect(held == 18 * Double(ModelSize(try #require(recipe.model), sequenceLength: 2048).parameters))
        let problem = try #require(problems(recipe, site()).first)
        for words in [
            "resources.gpu_memory", "on every GPU, and a GPU has 16.0 GiB",
            "tensor parallelism, pipeline parallelism and sharing the optimizer's state among ranks are not available "
                + "in this version", "method: {type: lora, targets: [all-linear]}",
        ] {
            #expect(problem.contains(words), "\(problem)")
        }
    }

    @Test func theSitesOwnFigureGoesBeforeTheRecipes() throws {
        let recipe = try recipe("resources: {gpus_per_node: 8, gpu_memory: 16G}")
        #expect(problems(recipe, site(memory: 80 << 30)).isEmpty)
        #expect(MemoryFit.warnings(recipe, site: site(memory: 80 << 30)).isEmpty)
        let small = try self.recipe("resources: {gpus_per_node: 8, gpu_memory: 80G}")
        #expect(problems(small, site()).isEmpty)
        #expect(problems(small, site(memory: 16 << 30)).count == 1)
    }

    @Test func adaptersFitWhereAllWeightsDoNot() throws {
        let lora = try recipe(
            "resources: {gpus_per_node: 8, gpu_memory: 16G}", "method: {type: lora, targets: [in_proj, out_proj]}")
        #expect(problems(lora, site()).isEmpty)
    }

    @Test func activationsMakeAWarningAndNoRefusal() throws {
        let recipe = try recipe("resources: {gpus_per_node: 8, gpu_memory: 27G}")
        #expect(problems(recipe, site()).isEmpty)
        let warning = try #require(MemoryFit.warnings(recipe, site: site()).first)
        #expect(warning.contains("one has 27.0 GiB") && warning.contains("train.micro_batch"), "\(warning)")
    }

    @Test func whereNobodyNamedTheMemoryItIsAWarning() throws {
        var recipe = try recipe("resources: {gpus_per_node: 8}")
        #expect(MemoryFit.warnings(recipe, site: site()).isEmpty)
        recipe.data?.sequenceLength = 1 << 20
        let long = try #require(MemoryFit.warnings(recipe, site: site()).first)
        #expect(long.contains("more than one of 80.0 GiB has") && long.contains("data.sequence_length"), "\(long)")
        recipe.model?.vocabularySize = 4 << 20
        let large = try #require(MemoryFit.warnings(recipe, site: site()).first)
        #expect(large.contains("are not available in this version"), "\(large)")
        #expect(problems(recipe, site()).isEmpty)
    }

    @Test func whatTrainsOnCPUsIsNotJudged() throws {
        var recipe = try recipe("resources: {gpu_memory: 1G}")
        #expect(problems(recipe, site(memory: 1 << 30)).isEmpty)
        recipe.data?.sequenceLength = 1 << 20
        #expect(MemoryFit.warnings(recipe, site: site()).isEmpty)
    }

    /// Another model in bf16, and two sequences a pair.
    @Test func preferencesTakeTheReferenceAndBothAnswers() throws {
        let plain = try #require(Estimate.Memory(try recipe()))
        let pairs = try #require(Estimate.Memory(try recipe("objective: {type: dpo}")))
        let lora = "method: {type: lora, targets: [in_proj]}"
        let adapted = try #require(Estimate.Memory(try recipe(lora)))
        let adaptedPairs = try #require(Estimate.Memory(try recipe(lora, "objective: {type: dpo}")))
        #expect(pairs.activations == 2 * plain.activations && adaptedPairs.activations == 2 * adapted.activations)
        #expect(pairs.weights * 6 == plain.weights * 8)
        #expect(adaptedPairs.weights == adapted.weights)
    }
}
