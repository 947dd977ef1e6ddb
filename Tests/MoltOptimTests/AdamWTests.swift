import MoltNN
import MoltOptim
import MoltTensor
import MoltTesting
import Testing

/// Golden numbers come from torch.optim.AdamW: see `Scripts/goldens/adamw.py`.
struct AdamWTests {
    private struct Golden: Decodable {
        let values: [String: GoldenTensor]
        let exp_avg: [String: GoldenTensor]
        let exp_avg_sq: [String: GoldenTensor]
    }

    private static func registry() throws -> ParameterRegistry {
        let registry = ParameterRegistry()
        _ = try registry.root.parameter("matrix", [7, 5], .zeros)
        _ = try registry.root.parameter("vector", [11], .zeros, decays: false)
        for parameter in registry.parameters {
            let values = SyntheticNumbers.uniform(parameter.name, parameter.count).map(Float.init)
            try parameter.assign(Tensor(values, shape: parameter.shape))
        }
        return registry
    }

    private static func setGradients(_ registry: ParameterRegistry, step: Int) throws {
        for parameter in registry.parameters {
            let values = SyntheticNumbers.uniform("\(parameter.name).gradient.\(step)", parameter.count)
            parameter.value.grad = try Tensor(values.map(Float.init), shape: parameter.shape)
        }
    }

    private func difference(_ ours: Tensor, _ golden: GoldenTensor?) throws -> Double {
        let golden = try #require(golden)
        return try (ours - Tensor(golden.values, shape: golden.shape)).abs().max().item()
    }

    @Test func sevenStepsEqualTorch() throws {
        let golden: Golden = try GoldenFile.json("adamw.json")
        let registry = try Self.registry()
        let optimizer = try AdamW(registry.parameters)
        for step in 0..<7 {
            try Self.setGradients(registry, step: step)
            try optimizer.step(learningRate: 1e-2 * Double(step + 1) / 7)
        }
        #expect(optimizer.steps == 7)
        let state = Dictionary(uniqueKeysWithValues: optimizer.state.map { ($0.name, $0.tensor) })
        for parameter in registry.parameters {
            let name = parameter.name
            #expect(try difference(parameter.value, golden.values[name]) <= 2e-7)
            #expect(try difference(#require(state["exp_avg.\(name)"]), golden.exp_avg[name]) <= 1e-7)
            #expect(try difference(#require(state["exp_avg_sq.\(name)"]), golden.exp_avg_sq[name]) <= 1e-7)
        }
    }

    @Test func aRestoredOptimizerContinuesToTheBit() throws {
        let whole = try Self.registry(), parts = try Self.registry()
        let one = try AdamW(whole.parameters)
        var two = try AdamW(parts.parameters)
        for step in 0..<6 {
            try Self.setGradients(whole, step: step)
            try Self.setGradients(parts, step: step)
            try one.step(learningRate: 1e-2)
            try two.step(learningRate: 1e-2)
            let saved = try two.state.map { ($0.name, try $0.tensor.clone()) }
            let restored = try AdamW(parts.parameters)
            try restored.restore(steps: two.steps) { name in saved.first { $0.0 == name }?.1 }
            two = restored
        }
        for (a, b) in zip(whole.parameters, parts.parameters) {
            #expect(try a.value.equals(b.value), "\(a.name)")
        }
    }

    @Test func aMissingPartOfTheStateIsNamed() throws {
        let optimizer = try AdamW(Self.registry().parameters)
        #expect(throws: OptimizerError.missingState("exp_avg.matrix")) {
            try optimizer.restore(steps: 3) { _ in nil }
        }
    }

    @Test func parametersWithoutAGradientStay() throws {
        let registry = try Self.registry()
        let optimizer = try AdamW(registry.parameters)
        let before = try registry.parameters[0].value.clone()
        try optimizer.step(learningRate: 1)
        #expect(try registry.parameters[0].value.equals(before))
    }

    @Test func frozenParametersHaveNoState() throws {
        let registry = try Self.registry()
        try registry.parameters[0].setTrainable(false)
        #expect(try AdamW(registry.parameters).state.map(\.name) == ["exp_avg.vector", "exp_avg_sq.vector"])
    }

    @Test func clippingScalesToTheLimitAndReturnsTheNormBefore() throws {
        let registry = try Self.registry()
        registry.parameters[0].value.grad = try Tensor([Float](repeating: 3, count: 35), shape: [7, 5])
        registry.parameters[1].value.grad = try Tensor([Float](repeating: 4, count: 11), shape: [11])
        let norm = (35.0 * 9 + 11 * 16).squareRoot()
        #expect(abs(try GradientNorm.clip(registry.parameters, to: 100) - norm) < 1e-4)
        #expect(abs(try GradientNorm.clip(registry.parameters, to: 2) - norm) < 1e-4)
        #expect(abs(try GradientNorm.global(registry.parameters) - 2) < 1e-5)
    }

    @Test func aNormThatIsNotFiniteIsReportedAndChangesNothing() throws {
        let registry = try Self.registry()
        registry.parameters[0].value.grad = try Tensor([Float](repeating: .nan, count: 35), shape: [7, 5])
        registry.parameters[1].value.grad = try Tensor([Float](repeating: 4, count: 11), shape: [11])
        #expect(try GradientNorm.clip(registry.parameters, to: 1).isNaN)
        #expect(try registry.parameters[1].value.grad?.max().item() == 4)
    }
}
