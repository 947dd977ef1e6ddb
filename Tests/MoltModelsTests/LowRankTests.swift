import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import Testing

/// LoRA and DoRA in particular.
struct LowRankTests {
    private func linear(_ options: LoRAAdapter.Options) throws -> (Linear, ParameterRegistry) {
        let registry = ParameterRegistry(dtype: .float64)
        let linear = try Linear(registry.root / "layers" / "in_proj", 6, 9, bias: true, components: ["a": 2, "b": 7])
        for parameter in registry.parameters { try fill(parameter) }
        _ = try LoRA.apply(to: registry, targets: ["in_proj"], options)
        for parameter in registry.adapters { try fill(parameter) }
        return (linear, registry)
    }

    private func fill(_ parameter: Parameter) throws {
        let values = SyntheticNumbers.uniform(parameter.name, parameter.count)
        try parameter.assign(Tensor(values.map(Float.init), shape: parameter.shape).to(.float64))
    }

    /// Against the paper's formula, in plain operators.
    @Test(arguments: [false, true], [false, true])
    func theOutputIsThatOfThePapers(isRankStabilized: Bool, hasMagnitude: Bool) throws {
        var options = LoRAAdapter.Options(rank: 4, alpha: 8)
        (options.isRankStabilized, options.hasMagnitude) = (isRankStabilized, hasMagnitude)
        let (linear, registry) = try linear(options)
        func value(_ name: String) throws -> Tensor { try #require(registry["layers.in_proj.\(name)"]).value }
        let scale = isRankStabilized ? 4.0 : 2.0
        var weight = try value("weight") + value("lora_B.weight").matmul(value("lora_A.weight")) * scale
        if hasMagnitude {
            let length = try weight.square().sum(1, keepDim: true).sqrt()
            weight = try value("lora_magnitude_vector").unsqueeze(1) * weight / length
        }
        let x = try Tensor(SyntheticNumbers.uniform("x", 30).map(Float.init), shape: [5, 6]).to(.float64)
        #expect(try maximumDifference(linear(x), x.matmul(weight.transpose(0, 1)) + value("bias")) < 1e-12)
        #expect(try maximumDifference(linear.effectiveWeight(), weight) < 1e-12)
    }

    /// The paper's section 4.3: the norm is a constant to backward.
    @Test func gradientsPassTheNormByAsInThePaper() throws {
        var options = LoRAAdapter.Options(rank: 4, alpha: 8)
        options.hasMagnitude = true
        let (linear, registry) = try linear(options)
        let x = try Tensor(SyntheticNumbers.uniform("x", 30).map(Float.init), shape: [5, 6]).to(.float64)
        let weights = try Tensor(SyntheticNumbers.uniform("w", 45).map(Float.init), shape: [5, 9]).to(.float64)
        try (linear(x) * weights).sum().backward()
        func parameter(_ name: String) throws -> Tensor { try #require(registry["layers.in_proj.\(name)"]).value }
        let (a, b) = (try parameter("lora_A.weight"), try parameter("lora_B.weight"))
        let sum = try noGrad { try parameter("weight") + b.matmul(a) * 2 }
        let length = try sum.square().sum(1).sqrt()
        let outer = try weights.transpose(0, 1).matmul(x)
        let scaled = try noGrad { try outer * (parameter("lora_magnitude_vector") / length).unsqueeze(1) * 2 }
        #expect(try maximumDifference(#require(b.grad), noGrad { try scaled.matmul(a.transpose(0, 1)) }) < 1e-12)
        #expect(try maximumDifference(#require(a.grad), noGrad { try b.transpose(0, 1).matmul(scaled) }) < 1e-12)
        let m = try #require(parameter("lora_magnitude_vector").grad)
        #expect(try maximumDifference(m, (outer * sum).sum(1) / length) < 1e-12)
    }

    @Test(arguments: [MethodSection.MethodType.lora, .dora])
    func componentsOfAJoinedProjectionAreAdaptedAlone(_ type: MethodSection.MethodType) throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH("M"))
        var method = MethodTests.section(type)
        method.targets = ["in_proj:dt", "in_proj:x"]
        let report = try model.adapt(method)
        #expect(report.counts == ["in_proj:dt": 1, "in_proj:x": 1])
        #expect(
            model.registry.adapters.map(\.name).filter { $0.hasSuffix("lora_B.weight") } == [
                "backbone.layers.0.mixer.in_proj.x.lora_B.weight", "backbone.layers.0.mixer.in_proj.dt.lora_B.weight",
            ])
        for parameter in model.registry.adapters where !parameter.name.hasSuffix("vector") {
            let values = SyntheticNumbers.uniform(parameter.name, parameter.count).map { Float($0 * 0.3) }
            try parameter.assign(Tensor(values, shape: parameter.shape))
        }
        let linear = try #require(model.registry.linears.first { $0.path.hasSuffix("in_proj") })
        let change = try noGrad { try (linear.effectiveWeight() - linear.weight.value).abs().sum(1) }
        // z, x, B, C, dt of 48, 48, 15, 15 and 6 rows.
        let values = try change.array(of: Float.self)
        for (row, value) in values.enumerated() {
            let isAdapted = (48..<96).contains(row) || row >= 126
            // DoRA's lengths are those of the rows as they were, but for rounding.
            #expect(isAdapted ? value > 1e-3 : value < 1e-5, "row \(row) changed by \(value)")
        }
        let tokens = try TinyModels.tokens(2, 19)
        let adapted = try model.logits(model.hidden(tokens))
        try LoRA.merge(model.registry)
        #expect(try maximumDifference(adapted, model.logits(model.hidden(tokens))) <= 1e-5)
    }

    @Test func dropoutDropsInTrainingAlone() throws {
        var options = LoRAAdapter.Options(rank: 4, alpha: 8)
        options.dropout = 0.5
        let (linear, registry) = try linear(options)
        let x = try Tensor(SyntheticNumbers.uniform("x", 30).map(Float.init), shape: [5, 6]).to(.float64)
        let still = try linear(x)
        #expect(try linear(x).equals(still))
        registry.isTraining = true
        #expect(try !linear(x).equals(still))
        registry.isTraining = false
        #expect(try linear(x).equals(still))
    }

    /// What is asked for is adapted as a whole, or refused by name.
    @Test func coverageIsWholeOrAnError() throws {
        func adapt(_ family: String, _ targets: String...) throws -> AdapterReport {
            var method = MethodTests.section(.lora)
            method.targets = targets
            return try HybridModel(TinyModels.family(family), registry: ParameterRegistry(device: .meta)).adapt(method)
        }
        #expect(
            try adapt("nemotron_h", "in_proj", "*.q_proj").coverage
                == "coverage 100 % of the requested targets: *.q_proj 1 of 1, in_proj 2 of 2; 3 of 13 linear layers of "
                + "the model")
        #expect(throws: LoRAError.self) { try adapt("nemotron_h", "in_proj", "query") }
        // The MLP's is linear, the experts' are not.
        #expect(throws: LoRAError.notLinear(
            pattern: "down_proj", module: "backbone.layers.3.mixer.experts.down_proj", matched: 1)
        ) { try adapt("everything", "down_proj") }
        #expect(throws: LoRAError.notLinear(
            pattern: "conv1d", module: "backbone.layers.0.mixer.conv1d", matched: 0)
        ) { try adapt("nemotron_h", "conv1d") }
        #expect(throws: LoRAError.noComponent(
            "q", module: "backbone.layers.0.mixer.in_proj", known: ["z", "x", "B", "C", "dt"])
        ) { try adapt("nemotron_h", "in_proj:q") }
        let all = try adapt("granite with experts", "all-linear")
        #expect(all.matched.count == 2 * 2 + 4 + 3 * 2, "\(all.matched)")
    }

    /// ME*EME: three layers of five experts with two maps each, three routers. R-R-W-R-: three RG-LRUs with two gates.
    @Test(arguments: [
        (
            "granite with experts", "all-linear",
            "coverage 29 % of the requested targets: all-linear 14 of 47; 14 of 47 linear layers of the model; "
                + "no adapter fits down_proj, gate_up_proj, router"
        ),
        (
            "granite with experts", "*shared_mlp*",
            "coverage 100 % of the requested targets: *shared_mlp* 6 of 6; 6 of 47 linear layers of the model"
        ),
        (
            "griffin", "all-linear",
            "coverage 80 % of the requested targets: all-linear 25 of 31; 25 of 31 linear layers of the model; "
                + "no adapter fits input_gate_weight, recurrent_gate_weight"
        ),
        (
            "griffin", "linear_x",
            "coverage 100 % of the requested targets: linear_x 3 of 3; 3 of 31 linear layers of the model"
        ),
        (
            "nemotron_h", "all-linear",
            "coverage 100 % of the requested targets: all-linear 12 of 12; 12 of 13 linear layers of the model"
        ),
    ])
    func coverageCountsTheLinearLayersThatCannotFollow(_ family: String, _ target: String, _ coverage: String) throws {
        var method = MethodTests.section(.lora)
        method.targets = [target]
        let model = try HybridModel(TinyModels.family(family), registry: ParameterRegistry(device: .meta))
        #expect(try model.adapt(method).coverage == coverage)
    }

    /// Every weight that is a matrix, or a stack of them, is counted; embeddings, convolutions and the scan's are none.
    @Test(arguments: TinyModels.families)
    func noLinearWeightOfAModelIsForgotten(_ family: String) throws {
        let model = try HybridModel(TinyModels.family(family), registry: ParameterRegistry(device: .meta))
        let counted = Set(model.registry.linears.map(\.path)).union(model.registry.fixedLinears.map(\.path))
        let others = ["embeddings", "embed_tokens", "conv1d", "conv_1d", "A_log", "A_imag", "log_A_real", "C"]
        for parameter in model.registry.parameters where parameter.shape.count > 1 {
            let path = parameter.name.hasSuffix(".weight") ? String(parameter.name.dropLast(7)) : parameter.name
            let name = ModulePattern.lastComponent(path)
            if others.contains(name) || name.hasSuffix("_bias") { continue }
            #expect(counted.contains(path), "\(parameter.name) is not counted")
        }
    }
}
