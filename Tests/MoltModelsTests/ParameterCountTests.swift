import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import Testing

/// Published sizes, from models without memory on the meta device.
struct ParameterCountTests {
    @Test func theEstimateOfARecipeCountsEveryParameter() throws {
        var gated = try TinyModels.nemotronH("M-*M-*")
        gated.gatedMLP = true
        for section in [try TinyModels.mamba2(), try TinyModels.nemotronH(), gated] {
            let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
            #expect(ModelSize(section, sequenceLength: 64).parameters == model.registry.count)
        }
    }

    struct Published: Sendable, CustomTestStringConvertible {
        let name: String
        let pattern: String
        let hidden: Int
        let heads: Int
        var groups = 1
        var vocabulary = 50288
        var attention: (queries: Int, feedForward: Int)?
        let billions: Double
        let inProj: [Int]
        var testDescription: String { name }
    }

    static let models: [Published] = [
        Published(
            name: "mamba2-130m", pattern: String(repeating: "M", count: 24), hidden: 768, heads: 24, billions: 0.1290,
            inProj: [3352, 768]),
        Published(
            name: "mamba2-2.7b", pattern: String(repeating: "M", count: 64), hidden: 2560, heads: 80, billions: 2.7026,
            inProj: [10576, 2560]),
        Published(
            name: "nemotron-h-8b", pattern: "M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-", hidden: 4096,
            heads: 128, groups: 8, vocabulary: 131_072, attention: (32, 21504), billions: 8.101,
            inProj: [18560, 4096]),
        Published(
            name: "nvidia-mamba2-hybrid-8b", pattern: "M-M-M--M-M*-M-M-M-M--M*-M-M-M-M-M*--M-M-M-M-M*-M--M-M-M-",
            hidden: 4096, heads: 128, groups: 8, vocabulary: 256_000, attention: (32, 16384), billions: 8.655,
            inProj: [18560, 4096]),
    ]

    @Test(arguments: models)
    func parameterCountsArePublishedOnes(_ published: Published) throws {
        var section = ModelSection(
            pattern: try LayerPattern(parsing: published.pattern), hiddenSize: published.hidden,
            mambaHeads: published.heads)
        section.groups = published.groups
        section.vocabularySize = published.vocabulary
        section.tiedEmbeddings = published.attention == nil
        if let attention = published.attention {
            section.attentionHeads = attention.queries
            section.keyValueHeads = 8
            section.attentionHeadSize = 128
            section.feedForwardSize = attention.feedForward
        }
        let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
        let billions = Double(model.registry.count) / 1e9
        #expect(abs(billions - published.billions) <= 0.5e-3, "\(billions)")
        #expect(model.registry["backbone.layers.0.mixer.in_proj.weight"]?.shape == published.inProj)
        #expect(ModelSize(section, sequenceLength: 1024).parameters == model.registry.count)
    }
}
