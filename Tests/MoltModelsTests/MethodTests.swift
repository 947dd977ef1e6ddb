import MoltModels
import MoltNN
import MoltOptim
import MoltRecipe
import MoltTensor
import MoltTesting
import Testing

/// What must hold of every way to adapt a model, in every family and for every layer.
struct MethodTests {
    static let methods = MethodSection.MethodType.allCases.filter(\.adapts)

    static func section(_ type: MethodSection.MethodType) -> MethodSection {
        var method = MethodSection()
        method.type = type
        method.rank = 3
        method.alpha = 6
        method.virtualTokens = 4
        method.encoderSize = 9
        if type.merges { method.targets = ["all-linear"] }
        return method
    }

    /// Gives every adapter values that do something.
    static func fill(_ model: HybridModel, scale: Double = 0.3) throws {
        for parameter in model.registry.adapters {
            let values = SyntheticNumbers.uniform(parameter.name, parameter.count).map { Float($0 * scale) }
            let change = try Tensor(values, shape: parameter.shape).to(model.registry.dtype)
            // Lengths of rows stay near what they are.
            let isLength = parameter.name.hasSuffix("magnitude_vector")
            try parameter.assign(isLength ? noGrad { try parameter.value * (change + 1) } : change)
        }
    }

    static func model(
        _ family: String, _ type: MethodSection.MethodType, scale: Double = 0.3
    ) throws -> HybridModel {
        let model = try TinyModels.synthetic(TinyModels.family(family))
        _ = try model.adapt(section(type))
        try fill(model, scale: scale)
        return model
    }

    /// Prompts are there from the start, and so are the keys of a prefix; all other adapters begin with nothing.
    @Test(arguments: TinyModels.families, methods)
    func aFreshAdapterChangesNoBit(_ family: String, _ type: MethodSection.MethodType) throws {
        let section = try TinyModels.family(family)
        let isNeutral =
            switch type {
            case .promptTuning, .pTuning: false
            case .prefix: section.pattern.count(of: .attention) + section.pattern.count(of: .window) == 0
            case .full, .lora, .dora, .bottleneck: true
            }
        let model = try TinyModels.synthetic(section)
        let tokens = try TinyModels.tokens(2, 19)
        let before = try model.logits(model.hidden(tokens))
        _ = try model.adapt(Self.section(type))
        #expect(try model.logits(model.hidden(tokens)).equals(before) == isNeutral)
        model.registry.usesAdapters = false
        #expect(try model.logits(model.hidden(tokens)).equals(before))
    }

    /// Nor under bf16, where types are mixed.
    @Test(arguments: [MethodSection.MethodType.lora, .dora, .bottleneck])
    func aFreshAdapterChangesNoBitInMixedPrecision(_ type: MethodSection.MethodType) throws {
        let model = try TinyModels.synthetic(TinyModels.family("everything"))
        let tokens = try TinyModels.tokens(2, 19)
        func logits() throws -> Tensor {
            try autocast(.bfloat16) { () throws(TorchError) in try model.logits(model.hidden(tokens)) }
        }
        let before = try logits()
        _ = try model.adapt(Self.section(type))
        #expect(try logits().equals(before))
    }

    /// What adapters learn does not depend on the type that the model below is held in, where bf16 has its numbers.
    @Test(arguments: TinyModels.families, methods)
    func aModelThatIsHeldInBF16TeachesAdaptersTheSame(_ family: String, _ type: MethodSection.MethodType) throws {
        let section = try TinyModels.family(family)
        func gradients(_ matrices: DType?) throws -> [Tensor] {
            let model = try TinyModels.synthetic(section, matrices: matrices)
            for parameter in model.registry.parameters where parameter.isMatrix {
                try parameter.assign(parameter.value.to(.bfloat16))
            }
            _ = try model.adapt(Self.section(type))
            try Self.fill(model)
            let tokens = try TinyModels.tokens(2, 19), targets = try TinyModels.tokens("targets", 2, 19)
            try autocast(.bfloat16) { () throws(TorchError) in
                try model.lossSum(tokens, targets: targets)
            }.backward()
            #expect(model.registry.isNarrow == (matrices != nil))
            return try model.registry.adapters.map { try #require($0.value.grad) }
        }
        let held = try gradients(.bfloat16), wide = try gradients(nil)
        #expect(!held.isEmpty && held.allSatisfy { $0.dtype == .float32 })
        for (a, b) in zip(held, wide) { #expect(try relativeDifference(a, b) <= 1e-6) }
    }

    /// No fused operator goes past an adapter: each of its numbers changes the result.
    @Test(arguments: TinyModels.families, methods)
    func everyAdapterMatters(_ family: String, _ type: MethodSection.MethodType) throws {
        let model = try Self.model(family, type)
        let tokens = try TinyModels.tokens(2, 19)
        let adapted = try model.logits(model.hidden(tokens))
        model.registry.usesAdapters = false
        #expect(try maximumDifference(adapted, model.logits(model.hidden(tokens))) > 1e-3)
        model.registry.usesAdapters = true
        try model.lossSum(tokens, targets: TinyModels.tokens("targets", 2, 19)).backward()
        for parameter in model.registry.parameters {
            let gradient = try parameter.value.grad?.abs().max().item() ?? 0
            #expect((gradient > 0) == parameter.isTrainable, "\(parameter.name): \(gradient)")
        }
        #expect(model.registry.trainable.count == model.registry.adapters.count)
    }

    @Test(arguments: TinyModels.families, [false, true])
    func mergedEqualsUnmerged(_ family: String, isRankStabilized: Bool) throws {
        for type in [MethodSection.MethodType.lora, .dora] {
            let model = try TinyModels.synthetic(TinyModels.family(family))
            var method = Self.section(type)
            method.isRankStabilized = isRankStabilized
            _ = try model.adapt(method)
            try Self.fill(model, scale: 0.2)
            let tokens = try TinyModels.tokens(2, 19)
            let adapted = try model.logits(model.hidden(tokens))
            let names = model.registry.base.map(\.name)
            try LoRA.merge(model.registry)
            let merged = try model.logits(model.hidden(tokens))
            let bound = try 1e-5 * max(1, adapted.abs().max().item())
            #expect(try maximumDifference(merged, adapted) <= bound, "\(type)")
            #expect(model.registry.names == names)
        }
    }

    /// Virtual tokens and prefixes stand before every document.
    @Test(arguments: TinyModels.families, methods)
    func packedDocumentsEqualSeparateOnes(_ family: String, _ type: MethodSection.MethodType) throws {
        let model = try Self.model(family, type, scale: 0.1)
        let lengths = [[5, 1, 19, 2], [20, 7]]
        let tokens = try TinyModels.tokens("packed", 2, 27)
        let index = lengths.flatMap { row in
            row.enumerated().flatMap { [Int32](repeating: Int32($0), count: $1) }
        }
        let packed = try model.logits(model.hidden(tokens, sequenceIndex: Tensor(index, shape: [2, 27])))
        for (row, documents) in lengths.enumerated() {
            var start = 0
            for length in documents {
                let part = try tokens.narrow(0, from: row, length: 1).narrow(1, from: start, length: length)
                let alone = try model.logits(model.hidden(part))
                let ours = try packed.narrow(0, from: row, length: 1).narrow(1, from: start, length: length)
                let bound = try 5e-6 * max(1, alone.square().mean().item().squareRoot())
                let difference = try maximumDifference(ours, alone)
                #expect(difference <= bound, "row \(row), the document at \(start) differs by \(difference)")
                start += length
            }
        }
    }

    /// Token by token, with the shorter prompt padded on its left.
    @Test(arguments: TinyModels.families, [MethodSection.MethodType.promptTuning, .prefix, .dora])
    func decodingEqualsTheWholeForward(_ family: String, _ type: MethodSection.MethodType) throws {
        let model = try Self.model(family, type)
        let texts = try [TinyModels.tokens("long", 1, 24), TinyModels.tokens("short", 1, 24)], pads = [0, 4]
        let rows = try zip(texts, pads).map { text, pad in
            try Tensor.cat(
                [Tensor.zeros([1, pad], dtype: .int64), text.narrow(1, from: 0, length: 12 - pad)], dim: 1)
        }
        let index = pads.flatMap { [Int32](repeating: -1, count: $0) + [Int32](repeating: 0, count: 12 - $0) }
        let state = model.generationState()
        var scores = try model.step(Tensor.cat(rows), state, sequenceIndex: Tensor(index, shape: [2, 12]))
        let wholes = try texts.map { try model.logits(model.hidden($0)) }
        let bound = try 1e-5 * max(1, Tensor.cat(wholes).square().mean().item().squareRoot())
        for step in 0..<8 {
            for (row, pad) in pads.enumerated() {
                let expected = try wholes[row].select(1, 12 - pad + step - 1)
                let difference = try maximumDifference(scores.narrow(0, from: row, length: 1), expected)
                #expect(difference <= bound, "row \(row) differs by \(difference) at step \(step)")
            }
            let next = try zip(texts, pads).map { try $0.narrow(1, from: 12 - $1 + step, length: 1) }
            scores = try model.step(Tensor.cat(next), state)
        }
    }

    @Test(arguments: methods)
    func everyMethodLowersTheLossAndChangesItsParametersAlone(_ type: MethodSection.MethodType) throws {
        let model = try HybridModel(TinyModels.family("everything"))
        let before = try model.registry.parameters.map { try $0.value.clone() }
        _ = try model.adapt(Self.section(type))
        let optimizer = try AdamW(model.registry.trainable, AdamW.Settings(weightDecay: 0))
        let tokens = try TinyModels.tokens(2, 24), targets = try TinyModels.tokens("targets", 2, 24)
        var losses: [Double] = []
        for _ in 0..<30 {
            let loss = try model.lossSum(tokens, targets: targets) / 48.0
            try loss.backward()
            try optimizer.step(learningRate: 3e-2)
            optimizer.zeroGradients()
            losses.append(try loss.item())
        }
        #expect(losses[29] < losses[0] - 0.1, "\(losses[0]) to \(losses[29])")
        for (parameter, old) in zip(model.registry.base, before) {
            #expect(try parameter.value.equals(old), "\(parameter.name) changed")
        }
    }

    /// The adapters' numbers that a recipe promises are those that there are.
    @Test(arguments: TinyModels.families, methods)
    func theEstimateCountsAdapters(_ family: String, _ type: MethodSection.MethodType) throws {
        let section = try TinyModels.family(family)
        let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
        let report = try model.adapt(Self.section(type))
        var recipe = Recipe(name: "x", task: .finetune)
        (recipe.model, recipe.method, recipe.train.steps) = (section, Self.section(type), 1)
        recipe.data = DataSection(train: ["x"])
        #expect(try #require(Estimate(recipe)).trainableParameters == report.adapterParameters)
        #expect(report.totalParameters == model.registry.count)
    }
}
