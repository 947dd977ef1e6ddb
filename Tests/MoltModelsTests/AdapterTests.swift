import MoltModels
import MoltNN
import MoltOptim
import MoltTensor
import MoltTesting
import Testing

struct AdapterTests {
    private static let targets = ["in_proj", "out_proj", "q_proj", "v_proj"]

    @Test func freshAdaptersChangeNoBitOfTheModel() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH())
        let tokens = try TinyModels.tokens(2, 19)
        let before = try model.logits(model.hidden(tokens))
        let report = try LoRA.apply(to: model.registry, targets: Self.targets, rank: 4, alpha: 8)
        #expect(try model.logits(model.hidden(tokens)).equals(before))
        #expect(report.counts == ["in_proj": 2, "out_proj": 2, "q_proj": 1, "v_proj": 1])
        #expect(report.matched.count == 6)
    }

    @Test func trainingChangesAdaptersOnlyAndLowersTheLoss() throws {
        let model = try HybridModel(TinyModels.nemotronH())
        let before = try model.registry.parameters.map { try $0.value.clone() }
        _ = try LoRA.apply(to: model.registry, targets: Self.targets, rank: 8, alpha: 16)
        let optimizer = try AdamW(model.registry.trainable)
        let tokens = try TinyModels.tokens(2, 24), targets = try TinyModels.tokens("targets", 2, 24)
        var losses: [Double] = []
        for _ in 0..<30 {
            let loss = try model.lossSum(tokens, targets: targets) / 48.0
            try loss.backward()
            try optimizer.step(learningRate: 1e-2)
            optimizer.zeroGradients()
            losses.append(try loss.item())
        }
        #expect(losses[29] < losses[0] - 0.3, "\(losses[0]) to \(losses[29])")
        for (parameter, old) in zip(model.registry.parameters, before) {
            #expect(try parameter.value.equals(old), "\(parameter.name) changed")
        }
    }

    @Test func mergedAdaptersGiveTheSameScores() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH())
        _ = try LoRA.apply(to: model.registry, targets: ["*"], rank: 3, alpha: 6)
        for parameter in LoRA.state(of: model.registry) {
            let values = SyntheticNumbers.uniform(parameter.name, parameter.count).map { Float($0 * 0.1) }
            try parameter.assign(Tensor(values, shape: parameter.shape))
        }
        let tokens = try TinyModels.tokens(2, 19)
        let adapted = try model.logits(model.hidden(tokens))
        let loss = try model.lossSum(tokens, targets: tokens).item()
        try LoRA.merge(model.registry)
        let merged = try model.logits(model.hidden(tokens))
        #expect(try maximumDifference(merged, adapted) <= 1e-5 * max(1, adapted.abs().max().item()))
        #expect(try abs(model.lossSum(tokens, targets: tokens).item() - loss) <= 1e-5 * loss)
    }

    @Test func anAdapterOnTheHeadCountsInTheLoss() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH("-"))
        _ = try LoRA.apply(to: model.registry, targets: ["lm_head"], rank: 3, alpha: 6)
        let tokens = try TinyModels.tokens(1, 8)
        try model.lossSum(tokens, targets: tokens).backward()
        #expect(try model.registry["lm_head.lora_B.weight"]?.value.grad?.abs().max().item() ?? 0 > 0)
    }
}
