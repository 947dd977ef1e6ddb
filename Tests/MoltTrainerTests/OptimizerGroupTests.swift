import MoltCore
import MoltNN
import MoltOptim
import MoltRecipe
import MoltTensor
import MoltTesting
import MoltTrainer
import Testing

/// Layer-wise learning rates and groups of parameters.
struct OptimizerGroupTests {
    private static let names = [
        "backbone.embeddings.weight", "backbone.layers.0.norm.weight", "backbone.layers.1.mixer.in_proj.weight",
        "backbone.layers.2.mixer.A_log", "backbone.norm_f.weight", "lm_head.weight",
    ]

    private func registry() throws -> ParameterRegistry {
        let registry = ParameterRegistry()
        for name in Self.names {
            let isSmall = name.contains("norm") || name.contains("A_log")
            let parameter = try registry.root.parameter(name, [3, 2], .ones, decays: !isSmall)
            let values = SyntheticNumbers.uniform(name, 6).map(Float.init)
            parameter.value.grad = try Tensor(values, shape: [3, 2])
        }
        return registry
    }

    private func groups(_ section: OptimizerSection, _ registry: ParameterRegistry) throws -> [AdamW.Group] {
        let groups = try OptimizerGroups(section, registry.trainable, all: registry.names)
        return registry.parameters.map { groups($0) }
    }

    @Test func ratesFallFromTheLastLayerToTheEmbeddings() throws {
        var section = OptimizerSection()
        section.layerDecay = 0.5
        let found = try groups(section, registry())
        #expect(found.map(\.learningRateScale) == [0.125, 0.25, 0.5, 1, 1, 1])
        #expect(found.map(\.weightDecay) == [0.1, 0, 0.1, 0, 0, 0.1])
    }

    @Test func theFirstGroupThatCoversAParameterDecides() throws {
        var section = OptimizerSection()
        var small = OptimizerSection.Group(match: "A_log")
        small.learningRateScale = 0.2
        var layers = OptimizerSection.Group(match: "backbone.layers.*")
        (layers.learningRateScale, layers.weightDecay) = (3, 0.7)
        section.groups = [small, layers]
        let found = try groups(section, registry())
        #expect(found.map(\.learningRateScale) == [1, 3, 3, 0.2, 1, 1])
        #expect(found.map(\.weightDecay) == [0.1, 0.7, 0.7, 0, 0, 0.1])
    }

    @Test func aGroupThatCoversNothingTrainedIsAnError() throws {
        var section = OptimizerSection()
        section.groups = [OptimizerSection.Group(match: "embeddings"), OptimizerSection.Group(match: "out_proj")]
        let error = #expect(throws: UserError.self) { try groups(section, registry()) }
        #expect(error?.description.contains("item 2: no trained parameter is covered by 'out_proj'") == true)
        let frozen = try registry()
        try frozen.freeze(["embeddings"])
        section.groups = [OptimizerSection.Group(match: "embeddings")]
        #expect(throws: UserError.self) { try groups(section, frozen) }
    }

    /// Each group is as if its parameters had an optimizer of their own, bit for bit.
    @Test func aStepInGroupsEqualsOptimizersApart() throws {
        let together = try registry(), apart = try registry()
        var section = OptimizerSection()
        section.layerDecay = 0.5
        let groups = try OptimizerGroups(section, together.trainable, all: together.names)
        try AdamW(together.parameters, group: { groups($0) }).step(learningRate: 1e-2)
        for parameter in apart.parameters {
            let group = groups(parameter)
            let settings = AdamW.Settings(weightDecay: group.weightDecay)
            try AdamW([parameter], settings).step(learningRate: 1e-2 * group.learningRateScale)
        }
        for (a, b) in zip(together.parameters, apart.parameters) {
            #expect(try a.value.equals(b.value), "\(a.name)")
            #expect(try !a.value.equals(a.value.onesLike()))
        }
    }
}
