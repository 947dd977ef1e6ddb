import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import Testing

/// Moments of the first values against the table of `Mamba2Mixer` and `HybridModel`.
struct InitialisationTests {
    /// Mean and deviation of a distribution, and the bounds of its support.
    struct Law: Sendable, CustomTestStringConvertible {
        let name: String
        let mean: Double
        let deviation: Double
        let bounds: ClosedRange<Double>
        var testDescription: String { name }

        static func uniform(_ name: String, _ bound: Double) -> Law {
            Law(name: name, mean: 0, deviation: bound / 3.0.squareRoot(), bounds: -bound...bound)
        }
    }

    static let laws: [Law] = [
        Law(name: "backbone.embeddings.weight", mean: 0, deviation: 0.02, bounds: -0.12...0.12),
        .uniform("backbone.layers.0.mixer.in_proj.weight", 1 / 256.0.squareRoot()),
        .uniform("backbone.layers.0.mixer.conv1d.weight", 0.5),
        .uniform("backbone.layers.0.mixer.conv1d.bias", 0.5),
        .uniform("backbone.layers.0.mixer.out_proj.weight", 1 / 512.0.squareRoot() / 3.0.squareRoot()),
        .uniform("backbone.layers.1.mixer.q_proj.weight", 1 / 256.0.squareRoot()),
        .uniform("backbone.layers.1.mixer.o_proj.weight", 1 / 128.0.squareRoot() / 3.0.squareRoot()),
        .uniform("backbone.layers.2.mixer.up_proj.weight", 1 / 256.0.squareRoot()),
        .uniform("backbone.layers.2.mixer.down_proj.weight", 1 / 300.0.squareRoot() / 3.0.squareRoot()),
        .uniform("lm_head.weight", 1 / 256.0.squareRoot()),
    ]

    static func section() throws -> ModelSection {
        var section = ModelSection(pattern: try LayerPattern(parsing: "M*-"), hiddenSize: 256, mambaHeads: 256)
        section.mambaHeadSize = 2
        section.vocabularySize = 512
        section.groups = 2
        section.stateSize = 16
        section.attentionHeads = 4
        section.keyValueHeads = 2
        section.attentionHeadSize = 32
        section.feedForwardSize = 300
        return section
    }

    @Test(arguments: laws)
    func momentsAreThoseOfTheTable(_ law: Law) throws {
        let model = try HybridModel(Self.section())
        let parameter = try #require(model.registry[law.name])
        try expect(parameter.value.to(.float64), law)
    }

    @Test func theDecayIsTheLogarithmOfAUniformNumber() throws {
        let model = try HybridModel(Self.section())
        let decay = try #require(model.registry["backbone.layers.0.mixer.A_log"])
        try expect(
            decay.value.to(.float64).exp(),
            Law(name: "A", mean: 8.5, deviation: 15 / 12.0.squareRoot(), bounds: 0.999...16.001))
    }

    @Test func theStepIsLogUniform() throws {
        let model = try HybridModel(Self.section())
        let bias = try #require(model.registry["backbone.layers.0.mixer.dt_bias"])
        // ln(0.001) to ln(0.1)
        try expect(
            bias.value.to(.float64).softplus().log(),
            Law(name: "ln dt", mean: -4.60517, deviation: 4.60517 / 12.0.squareRoot(), bounds: -6.908...(-2.302)))
    }

    @Test func normsAndSkipsStartAtOne() throws {
        let model = try HybridModel(Self.section())
        let ones = model.registry.parameters.filter { $0.name.contains("norm") || $0.name.hasSuffix(".D") }
        #expect(ones.count == 6)
        for parameter in ones {
            #expect(try parameter.value.equals(parameter.value.onesLike()), "\(parameter.name)")
        }
    }

    @Test func whatDoesNotDecayIsNormsBiasesAndTheSmallVectorsOfTheScan() throws {
        let model = try HybridModel(Self.section())
        let still = model.registry.parameters.filter { !$0.decays }.map(\.name)
        #expect(
            still.sorted() == [
                "backbone.layers.0.mixer.A_log", "backbone.layers.0.mixer.D", "backbone.layers.0.mixer.conv1d.bias",
                "backbone.layers.0.mixer.dt_bias", "backbone.layers.0.mixer.norm.weight",
                "backbone.layers.0.norm.weight", "backbone.layers.1.norm.weight", "backbone.layers.2.norm.weight",
                "backbone.norm_f.weight",
            ])
    }

    @Test func theSeedAndTheNameDecideTheValuesAndNothingElseDoes() throws {
        let name = "backbone.layers.0.mixer.in_proj.weight"
        var longer = try Self.section()
        longer.pattern = try LayerPattern(parsing: "M*-")
        longer.vocabularySize = 640
        let a = try #require(HybridModel(Self.section()).registry[name]).value
        let b = try #require(HybridModel(longer).registry[name]).value
        let c = try #require(HybridModel(Self.section(), registry: ParameterRegistry(seed: 2)).registry[name]).value
        #expect(try maximumDifference(a, b) == 0)
        #expect(try maximumDifference(a, c) > 0)
    }

    /// Mean and deviation within four standard errors, all values within bounds.
    private func expect(_ values: Tensor, _ law: Law) throws {
        let count = Double(values.shape.reduce(1, *))
        let mean = try values.mean().item(), deviation = try values.variance().sqrt().item()
        #expect(abs(mean - law.mean) <= 4 * law.deviation / count.squareRoot(), "mean \(mean)")
        #expect(abs(deviation / law.deviation - 1) <= 4 / (2 * count).squareRoot(), "deviation \(deviation)")
        #expect(try values.min().item() >= law.bounds.lowerBound)
        #expect(try values.max().item() <= law.bounds.upperBound)
    }
}
