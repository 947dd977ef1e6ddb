import FoundationEssentials
import MoltCore
import MoltRecipe
import MoltTesting
import Testing

/// The largest numbers that a recipe may hold, and larger ones that only a program could send: nothing traps.
struct HugeNumberTests {
    private static let largest = """
        task: pretrain
        model:
          pattern: \(String(repeating: "M*-M", count: 256))
          hidden_size: 16777216
          vocab_size: 16777216
          mamba_heads: 65536
          mamba_head_dim: 65536
          groups: 65536
          state_size: 65536
          chunk_size: 65536
          attention_heads: 65536
          kv_heads: 65536
          attention_head_dim: 65536
          ffn_size: 16777216
          gated_mlp: true
        data: {train: x, sequence_length: 16777216}
        """

    /// Covers J7.
    @Test(arguments: [
        "init_from: /x\nmethod: {type: lora, rank: 65536, targets: [in_proj, out_proj, q_proj, k_proj, v_proj, "
            + "o_proj, up_proj, down_proj, gate_proj]}\ntrain: {steps: 1099511627776, global_batch: 16777216, "
            + "micro_batch: 1}\nresources: {nodes: 1, gpus_per_node: 1, memory: 8T, time: 3649-0}",
        "train: {tokens: 9007199254740992, global_batch: 16777216, micro_batch: 1}\n"
            + "resources: {nodes: 16384, gpus_per_node: 1024, cpus_per_rank: 4096}",
        "train: {steps: 1099511627776, global_batch: 16777216, micro_batch: 1048576}\n"
            + "resources: {nodes: 1, gpus_per_node: 16}\noptimizer: {lr: 1000}",
    ])
    func theLargestRecipeIsReckonedWith(_ more: String) throws {
        let recipe = try RecipeFixture.load(Self.largest + "\n" + more)
        let estimate = try #require(Estimate(recipe))
        #expect(estimate.parameters > 1 << 60 && estimate.memoryPerRank.total > 1e18)
        #expect(estimate.tokens > 0 && estimate.steps > 0 && estimate.flopsPerToken.isFinite)
        #expect(!(try RecipeText.yaml(recipe)).isEmpty)
        #expect(SiteCheck.problems(recipe, site: try Self.site()).count <= 3)
    }

    /// Covers J7.
    @Test func aMillionTimesTooMuchIsNamedNotReckonedWith() {
        for line in [
            "resources: {nodes: 65537}", "resources: {nodes: 9223372036854775807}", "resources: {gpus_per_node: 1e9}",
            "resources: {cpus_per_rank: 99999999999999999999}", "resources: {memory: 8192P}",
            "resources: {memory: 9999999T}", "resources: {time: 1e300}", "resources: {time: 99999999999999-0}",
            "resources: {time: \(String(repeating: "9", count: 400))d}", "train: {steps: 9T}",
            "policy: {max_total: 1e999}", "checkpoint: {keep: 9223372036854775807}",
        ] {
            #expect(RecipeFixture.complaints("extends: base\n" + line).count == 1, "\(line)")
        }
    }

    /// What no file can hold a program can send: the daemon reckons with it before the scheduler refuses it.
    @Test(arguments: [Int.max, .min, 0, -1])
    func whatOnlyAProgramCanSendTrapsNowhere(_ number: Int) throws {
        var recipe = try RecipeFixture.load("extends: base\nresources: {gpus_per_node: 4}")
        (recipe.resources.nodes, recipe.resources.gpusPerNode, recipe.resources.cpusPerRank) = (number, number, number)
        (recipe.resources.ranksPerNode, recipe.resources.memory) = (number, number)
        (recipe.parallel.tensor, recipe.parallel.pipeline) = (number, number)
        (recipe.train.globalBatch, recipe.train.microBatch) = (number, number)
        (recipe.train.steps, recipe.train.tokens) = (nil, number)
        recipe.data?.sequenceLength = number
        var model = try #require(recipe.model)
        (model.hiddenSize, model.mambaHeads, model.mambaHeadSize) = (number, number, number)
        (model.attentionHeads, model.attentionHeadSize, model.keyValueHeads) = (number, number, number)
        (model.groups, model.stateSize, model.feedForwardSize) = (number, number, number)
        model.vocabularySize = number
        recipe.model = model
        recipe.method.type = .lora
        recipe.method.targets = ["in_proj", "q_proj", "up_proj"]
        recipe.method.rank = number
        #expect(recipe.dataParallelSize >= 1 && recipe.resources.ranks >= 1)
        _ = (recipe.worldSize, recipe.plannedSteps, recipe.gpusPerRank, Estimate(recipe))
        #expect(SiteCheck.problems(recipe, site: try Self.site()).count <= 3)
    }

    private static func site() throws -> Site {
        let folder = TemporaryFolder("sites")
        return try SiteLoader(folders: [folder.path], home: "/home/ada/.molt", prefix: "/opt/molt").load("local")
    }
}
