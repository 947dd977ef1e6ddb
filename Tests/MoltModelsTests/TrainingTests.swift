import MoltModels
import MoltNN
import MoltOptim
import MoltRecipe
import MoltTensor
import Testing

struct TrainingTests {
    @Test(arguments: [false, true])
    func aTinyModelOverfitsOneBatch(_ mixedPrecision: Bool) throws {
        var section = try TinyModels.nemotronH()
        section.activation = .silu
        section.gatedMLP = true
        let model = try HybridModel(section)
        let optimizer = try AdamW(model.registry.trainable, AdamW.Settings(weightDecay: 0))
        let tokens = try TinyModels.tokens(2, 24), targets = try TinyModels.tokens("targets", 2, 24)
        var losses: [Double] = []
        for _ in 0..<120 {
            let loss = try autocast(mixedPrecision ? .bfloat16 : nil) { () throws(TorchError) in
                try model.lossSum(tokens, targets: targets) / 48
            }
            try loss.backward()
            _ = try GradientNorm.clip(optimizer.parameters, to: 1)
            try optimizer.step(learningRate: 1e-2)
            optimizer.zeroGradients()
            losses.append(try loss.item())
        }
        #expect(losses[0] > 3)
        #expect(losses[losses.count - 1] < 0.3, "the loss is still \(losses[losses.count - 1])")
    }

    @Test func underAutocastParametersAndGradientsStayInFP32() throws {
        let model = try TinyModels.synthetic(TinyModels.nemotronH())
        let tokens = try TinyModels.tokens(2, 24)
        let exact = try model.lossSum(tokens, targets: tokens).item()
        let loss = try autocast(.bfloat16) { () throws(TorchError) in try model.lossSum(tokens, targets: tokens) }
        try loss.backward()
        #expect(loss.dtype == .float32)
        #expect(try abs(loss.item() - exact) <= 2e-2 * exact)
        for parameter in model.registry.parameters {
            #expect(parameter.value.dtype == .float32)
            #expect(parameter.value.grad?.dtype == .float32, "\(parameter.name)")
        }
    }

    @Test func theSameSeedGivesTheSameBits() throws {
        func run() throws -> [Double] {
            let model = try HybridModel(TinyModels.nemotronH())
            let optimizer = try AdamW(model.registry.trainable)
            return try (0..<5).map { _ in
                let loss = try model.lossSum(TinyModels.tokens(2, 24), targets: TinyModels.tokens("targets", 2, 24))
                try loss.backward()
                try optimizer.step(learningRate: 1e-3)
                optimizer.zeroGradients()
                return try loss.item()
            }
        }
        #expect(try run() == run())
    }

    @Test func withoutMixersATokenSeesOnlyItself() throws {
        var section = try TinyModels.nemotronH()
        section.mixersEnabled = false
        let model = try HybridModel(section)
        let layers = Set(model.registry.names.filter { $0.contains("layers") }.map { $0.split(separator: ".")[2] })
        #expect(layers == ["1", "4"])
        let tokens = try TinyModels.tokens(1, 9)
        let together = try model.hidden(tokens).narrow(1, from: 8, length: 1)
        #expect(try maximumDifference(together, model.hidden(tokens.narrow(1, from: 8, length: 1))) <= 1e-6)
    }

    @Test func sizesThatCannotBeAreRefused() throws {
        var section = try TinyModels.nemotronH()
        section.groups = 4
        #expect(throws: ModelError.badSize("6 mamba_heads cannot be divided into 4 groups")) {
            try HybridModel(section)
        }
        section.groups = 3
        section.keyValueHeads = 0
        #expect(throws: ModelError.badSize("the pattern has attention layers (*), but 'kv_heads' is not set")) {
            try HybridModel(section)
        }
        for taps in [1, 17] {
            section.convolutionKernel = taps
            #expect(throws: ModelError.badSize("conv_kernel is \(taps), and only 2 to 16 can be")) {
                try HybridModel(section)
            }
        }
        section.convolutionKernel = 4
        section.vocabularySize = nil
        section.keyValueHeads = 2
        #expect(throws: ModelError.missingVocabularySize) { try HybridModel(section) }
    }
}
