import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import Testing

/// Golden files come from transformers: see `Scripts/goldens/models.py`.
struct Golden: Decodable {
    let parameters: [String: [Int]]
    let loss: Double
    let logits: GoldenTensor
    let gradients: [String: GoldenTensor]
}

struct GoldenTests {
    static func section(_ name: String) throws -> ModelSection {
        try name == "mamba2" ? TinyModels.mamba2() : TinyModels.nemotronH()
    }

    @Test(arguments: ["mamba2", "nemotron_h"])
    func namesAndShapesAreThoseOfTheField(_ name: String) throws {
        let golden: Golden = try GoldenFile.json("\(name).json")
        let model = try HybridModel(Self.section(name))
        let ours = Dictionary(uniqueKeysWithValues: model.registry.parameters.map { ($0.name, $0.shape) })
        #expect(ours == golden.parameters)
    }

    @Test(arguments: ["mamba2", "nemotron_h"])
    func logitsEqualTransformers(_ name: String) throws {
        let golden: Golden = try GoldenFile.json("\(name).json")
        let model = try TinyModels.synthetic(Self.section(name))
        let logits = try model.logits(model.hidden(TinyModels.tokens(2, 19)))
        try expectClose(logits, golden.logits, "logits")
    }

    @Test(arguments: ["mamba2", "nemotron_h"])
    func lossAndGradientsEqualTransformers(_ name: String) throws {
        let golden: Golden = try GoldenFile.json("\(name).json")
        let model = try TinyModels.synthetic(Self.section(name))
        let tokens = try TinyModels.tokens(2, 19)
        let targets = try Tensor.cat(
            [tokens.narrow(1, from: 1, length: 18), Tensor([Int64](repeating: -100, count: 2), shape: [2, 1])], dim: 1)
        let loss = try model.lossSum(tokens, targets: targets) / 36
        #expect(abs(try loss.item() - golden.loss) <= 1e-5 * max(1, golden.loss))
        try loss.backward()
        for parameter in model.registry.parameters {
            let gradient = try #require(parameter.value.grad, "\(parameter.name) has no gradient")
            try expectClose(gradient, #require(golden.gradients[parameter.name]), parameter.name)
        }
    }

    private func expectClose(_ ours: Tensor, _ golden: GoldenTensor, _ what: String) throws {
        #expect(ours.shape == golden.shape, "\(what)")
        let expected = golden.values
        let difference = try maximumDifference(ours, Tensor(expected, shape: golden.shape))
        #expect(difference <= 1e-5 * max(1, rootMeanSquare(expected)), "\(what) differs by \(difference)")
    }
}
