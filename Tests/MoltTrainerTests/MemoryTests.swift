import MoltCore
import MoltRecipe
import MoltTesting
import Testing

extension WorkerTests {
    /// What `molt submit` says a rank will take is what it takes.
    struct MemoryTests {
        private let data = TemporaryFolder("data")

        @Test(arguments: [(Precision.fp32, "M-*-"), (.fp32, "MM"), (.bf16, "M-*-"), (.bf16, "MM")])
        func theEstimateIsWithinFifteenPercentOfThePeak(
            _ precision: Precision, _ pattern: String
        ) async throws {
            try await compare(try recipe(precision, pattern))
        }

        /// Most of what it takes is weights, of which none is so large that reading it shows.
        @Test(arguments: Precision.allCases)
        func theEstimateOfAdaptersIsWithinFifteenPercentToo(_ precision: Precision) async throws {
            var recipe = try recipe(precision, "MMMMMMMM")
            recipe.model?.hiddenSize = 1024
            recipe.model?.mambaHeads = 32
            recipe.data?.sequenceLength = 128
            recipe.train.microBatch = 1
            recipe.train.globalBatch = 1
            recipe.train.steps = 1
            let base = try Fleet(recipe)
            #expect(try await base.live() == [0], "\(base.output())")
            recipe.train.steps = 3
            recipe.task = .finetune
            recipe.initFrom = base.run.path
            recipe.method.type = .lora
            recipe.method.targets = ["in_proj", "out_proj"]
            try await compare(recipe)
        }

        private func recipe(_ precision: Precision, _ pattern: String) throws -> Recipe {
            var recipe = try TinyRecipe.make(data, steps: 3)
            var model = ModelSection(
                pattern: try LayerPattern(parsing: pattern), hiddenSize: 512, mambaHeads: 16)
            model.attentionHeads = 8
            model.keyValueHeads = 2
            model.attentionHeadSize = 64
            model.feedForwardSize = 2048
            recipe.model = model
            recipe.data?.sequenceLength = 1024
            recipe.train.microBatch = 4
            recipe.train.precision = precision
            recipe.checkpoint.everySteps = nil
            return recipe
        }

        private func compare(_ recipe: Recipe) async throws {
            let estimate = try #require(Estimate(recipe)).memoryPerRank
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let peak = try #require(fleet.peaks.first)
            #expect(abs(estimate.total / peak - 1) < 0.15, "\(estimate) against \(peak)")
        }
    }
}
