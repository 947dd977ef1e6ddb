import MoltModels
import MoltNN
import MoltOptim
import MoltRecipe
import MoltTensor
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// Every family in odd sizes against transformers, or against recurrences written from the papers where it has no
/// class: names, logits, gradients, and the losses of training (50 steps; 20 against a recurrence).
@Suite(.serialized)
struct OracleTests {
    static let cases = [
        "mamba2-odd", "mamba2-untied", "mamba2-wide", "nemotron-small", "nemotron-biased", "nemotron-runs",
        "nemotron-gelu", "bamba-expanded", "granite-expanded", "gemma-untied",
        "bamba-small", "bamba-groups", "bamba-biased", "granite-dense", "granite-experts", "granite-many",
        "gemma-small", "gemma-wide", "gemma-heads", "samba-small", "samba-groups", "samba-narrow",
        "mambaformer-small", "mambaformer-mlp", "mambaformer-wide", "s4d-small", "s4d-alone", "s4d-wide", "dss-small",
        "dss-alone", "dss-wide", "mamba2attn-small", "mamba2attn-groups", "mamba2attn-wide",
    ]

    private func relative(_ ours: Tensor, _ truth: Tensor) throws -> Double {
        try (ours.to(.float64) - truth.to(.float64)).norm().item() / truth.to(.float64).norm().item()
    }

    /// The loss that the oracle takes: the mean over all but the last token.
    private func loss(_ model: HybridModel, _ tokens: Tensor) throws(TorchError) -> Tensor {
        let batch = tokens.size(0), length = tokens.size(1)
        let none = try Tensor.full([batch, 1], CrossEntropy.ignored, dtype: .int64)
        let targets = try Tensor.cat([tokens.narrow(1, from: 1, length: length - 1), none], dim: 1)
        return try model.lossSum(tokens, targets: targets) / Double(batch * (length - 1))
    }

    @Test(arguments: cases)
    func namesAreThoseOfTheLibrary(_ name: String) throws {
        let oracle = try Oracle(name)
        let model = try HybridModel(oracle.model, registry: ParameterRegistry(device: .meta))
        #expect(Set(model.registry.names) == oracle.parameters)
    }

    @Test(arguments: cases)
    func logitsEqualTransformers(_ name: String) throws {
        let oracle = try Oracle(name), model = try oracle.build()
        let logits = try model.logits(model.hidden(oracle.tensor("tokens")))
        let theirs = try oracle.tensor("logits"), exact = try oracle.tensor("exact_logits")
        let rms = try theirs.to(.float64).square().mean().item().squareRoot()
        let difference = try maximumDifference(logits, theirs)
        #expect(difference <= 1e-5 * max(1, rms), "by \(difference) of \(rms)")
        #expect(try relative(logits, theirs) <= 3e-6)
        #expect(try relative(logits, exact) <= 1.5e-6)
    }

    @Test(arguments: cases)
    func inFP64NothingIsLeftOfTheDifference(_ name: String) throws {
        let oracle = try Oracle(name), model = try oracle.build(dtype: .float64)
        let logits = try model.logits(model.hidden(oracle.tensor("tokens")))
        #expect(try relative(logits, oracle.tensor("exact_logits")) <= 1e-12)
        try loss(model, oracle.tensor("tokens")).backward()
        for parameter in model.registry.parameters {
            let difference = try relative(
                #require(parameter.value.grad, "\(parameter.name)"), oracle.tensor("gradient/\(parameter.name)"))
            #expect(difference <= 1e-9, "\(parameter.name) by \(difference)")
        }
    }

    @Test(arguments: cases)
    func gradientsEqualThoseOfFP64(_ name: String) throws {
        let oracle = try Oracle(name), model = try oracle.build()
        try loss(model, oracle.tensor("tokens")).backward()
        for parameter in model.registry.parameters {
            let ours = try #require(parameter.value.grad, "\(parameter.name) has no gradient")
            let difference = try relative(ours, oracle.tensor("gradient/\(parameter.name)"))
            let isScan = parameter.name.hasSuffix("dt_bias") || parameter.name.hasSuffix("A_log")
            #expect(difference <= (isScan ? 1e-5 : 5e-6), "\(parameter.name) by \(difference)")
        }
    }

    /// Errors of logits and of all gradients in bf16 against fp64, as shares of the other implementation's.
    private func bf16Shares(_ name: String) throws -> (logits: Double, gradients: Double) {
        let oracle = try Oracle(name), model = try oracle.build()
        let tokens = try oracle.tensor("many_tokens")
        let (logits, total) = try autocast(.bfloat16) { () throws(TorchError) in
            (try model.logits(model.hidden(tokens)), try loss(model, tokens))
        }
        try total.backward()
        let parameters = model.registry.parameters
        let all = try Tensor.cat(parameters.map { try #require($0.value.grad).flatten() })
        let exact = try Tensor.cat(parameters.map { try oracle.tensor("many_gradient/\($0.name)").flatten() })
        return (
            try relative(logits, oracle.tensor("many_logits")) / oracle.number("bf16_logits"),
            try relative(all, exact) / oracle.number("bf16_gradients"))
    }

    /// A single configuration is rounded by luck, so a family counts as a whole: the geometric mean of all of them.
    /// The last two families have no class, and what their recurrences round is their own choice.
    @Test(arguments: zip(
        ["mamba2", "nemotron", "bamba", "granite", "gemma", "samba", "mambaformer", "mamba2attn", "s4d", "dss"],
        [1, 1, 1, 1, 1, 1, 1, 1, 1.1, 1.1]))
    func bf16IsNoFurtherFromFP64ThanTransformersIs(_ family: String, _ bound: Double) throws {
        let shares = try Self.cases.filter { $0.hasPrefix("\(family)-") }.map(bf16Shares)
        func mean(_ values: [Double]) -> Double { exp(values.reduce(0) { $0 + log($1) } / Double(values.count)) }
        #expect(shares.count >= 3)
        #expect(mean(shares.map(\.logits)) <= bound)
        #expect(mean(shares.map(\.gradients)) <= bound)
        for share in shares { #expect(max(share.logits, share.gradients) <= 1.4) }
    }

    @Test(arguments: cases)
    func trainingStepsAreThoseOfTransformers(_ name: String) throws {
        let oracle = try Oracle(name), model = try oracle.build()
        let batches = try oracle.tensor("train_tokens"), theirs = try oracle.tensor("train_losses")
        let optimizer = try AdamW(
            model.registry.trainable, AdamW.Settings(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1))
        for step in 0..<batches.size(0) {
            let value = try loss(model, batches[step])
            try value.backward()
            _ = try GradientNorm.clip(optimizer.parameters, to: 1)
            try optimizer.step(learningRate: 2e-3)
            optimizer.zeroGradients()
            let difference = try abs(value.item() - theirs[step].item())
            #expect(difference <= 1e-4, "step \(step) differs by \(difference)")
        }
    }
}
