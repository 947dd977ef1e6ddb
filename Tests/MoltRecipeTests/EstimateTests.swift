import MoltRecipe
import Testing

struct EstimateTests {
    private func recipe(_ model: String, _ rest: String = "") throws -> Recipe {
        try RecipeFixture.load("""
            task: pretrain
            model: {\(model)}
            data: {train: x, sequence_length: 1024}
            train: {steps: 10, global_batch: 4}
            \(rest)
            """)
    }

    /// Published sizes: 0.1290 and 2.7026 billion for Mamba-2 130m and 2.7b, 8.101 for Nemotron-H 8B.
    @Test(arguments: [
        (
            "family: mamba2, pattern: \(String(repeating: "M", count: 24)), hidden_size: 768, vocab_size: 50288, "
                + "mamba_heads: 24, tied_embeddings: true", 0.1290
        ),
        (
            "family: mamba2, pattern: \(String(repeating: "M", count: 64)), hidden_size: 2560, vocab_size: 50288, "
                + "mamba_heads: 80, tied_embeddings: true", 2.7026
        ),
        (
            "pattern: M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-, hidden_size: 4096, vocab_size: 131072, "
                + "mamba_heads: 128, groups: 8, attention_heads: 32, kv_heads: 8, attention_head_dim: 128, "
                + "ffn_size: 21504, activation: relu2", 8.101
        ),
    ])
    func parameterCountsAreThePublishedOnes(_ model: String, _ billions: Double) throws {
        let estimate = try #require(Estimate(try recipe(model)))
        #expect(abs(Double(estimate.parameters) / 1e9 - billions) < billions * 5e-4)
    }

    @Test func flopsFollowTheFormula() throws {
        let model = "family: mamba2, pattern: MMMM, hidden_size: 768, vocab_size: 1024, mamba_heads: 24, "
            + "chunk_size: 256, tied_embeddings: true"
        let estimate = try #require(Estimate(try recipe(model)))
        #expect(abs(estimate.flopsPerToken / 115e6 - 1) < 0.02, "\(estimate.flopsPerToken)")
    }

    @Test func stepsAndTokensFollowFromEachOther() throws {
        let model = "pattern: M, hidden_size: 64, mamba_heads: 2"
        let bySteps = try #require(Estimate(try recipe(model)))
        #expect(bySteps.tokens == 10 * 4 * 1024)
        #expect(bySteps.steps == 10)
    }

    @Test func adaptersTrainOnlyWhatTheyAdd() throws {
        let model = "pattern: M, hidden_size: 64, mamba_heads: 2"
        let lora = "init_from: /x\nmethod: {type: lora, rank: 4, targets: [out_proj]}"
        let estimate = try #require(Estimate(try recipe(model, lora)))
        #expect(estimate.trainableParameters == 4 * (128 + 64))
        let full = try #require(Estimate(try recipe(model)))
        #expect(estimate.memoryPerRank.total < full.memoryPerRank.total)
    }
}
