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
            let estimate = try #require(Estimate(recipe)).memoryPerRank
            let fleet = try Fleet(recipe)
            #expect(try await fleet.live() == [0], "\(fleet.output())")
            let peak = try #require(fleet.peaks.first)
            #expect(abs(estimate.total / peak - 1) < 0.15, "\(estimate) against \(peak)")
        }
    }
}
