import MoltModels
import MoltNN
import MoltOptim
import MoltRecipe
import MoltTensor
import Testing

/// Every family in odd sizes against transformers, or against recurrences written from the papers where it has no
/// class: names, logits, gradients, and the losses of training (50 steps; 20 against a recurrence).
@Suite(.serialized)
struct OracleTests {
    static let cases = [
        "mamba2-odd", "mamba2-untied", "mamba2-wide", "nemotron-small", "nemotron-biased", "nemotron-runs",
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

    /// One small sample is rounded by luck: a third more than the library's own error is borne.
    @Test(arguments: cases)
    func bf16IsAboutAsFarFromFP64AsTransformersIs(_ name: String) throws {
        let oracle = try Oracle(name), model = try oracle.build()
        let tokens = try oracle.tensor("tokens")
        let (logits, total) = try autocast(.bfloat16) { () throws(TorchError) in
            (try model.logits(model.hidden(tokens)), try loss(model, tokens))
        }
        let theirs = try oracle.number("bf16_logits")
        let ours = try relative(logits, oracle.tensor("exact_logits"))
        #expect(ours <= max(1.3 * theirs, 1.3e-2), "\(ours), transformers \(theirs)")
        try total.backward()
        let parameters = model.registry.parameters
        let all = try Tensor.cat(parameters.map { try #require($0.value.grad).flatten() })
        let exact = try Tensor.cat(parameters.map { try oracle.tensor("gradient/\($0.name)").flatten() })
        let bound = try oracle.number("bf16_gradients"), difference = try relative(all, exact)
        #expect(difference <= max(1.3 * bound, 1.9e-2), "\(difference), transformers \(bound)")
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
