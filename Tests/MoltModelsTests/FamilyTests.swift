import MoltModels
import MoltNN
import MoltOptim
import MoltRecipe
import MoltTensor
import Testing

/// What must hold in every family and for every layer.
struct FamilyTests {
    @Test(arguments: TinyModels.families)
    func theEstimateCountsEveryParameter(_ name: String) throws {
        let section = try TinyModels.family(name)
        let model = try HybridModel(section, registry: ParameterRegistry(device: .meta))
        #expect(ModelSize(section, sequenceLength: 64).parameters == model.registry.count)
    }

    @Test(arguments: TinyModels.families)
    func packedDocumentsEqualSeparateOnes(_ name: String) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name))
        let lengths = [5, 1, 19, 2, 40]
        let tokens = try TinyModels.tokens("packed", 2, lengths.reduce(0, +))
        let index = lengths.enumerated().flatMap { [Int32](repeating: Int32($0), count: $1) }
        let documents = try Tensor(index + index, shape: [2, index.count])
        let packed = try model.logits(model.hidden(tokens, sequenceIndex: documents))
        var start = 0
        for length in lengths {
            let alone = try model.logits(model.hidden(tokens.narrow(1, from: start, length: length)))
            let difference = try maximumDifference(packed.narrow(1, from: start, length: length), alone)
            #expect(difference <= 5e-6, "the document at \(start) differs by \(difference)")
            start += length
        }
    }

    @Test(arguments: TinyModels.families)
    func gradientsOfPackedDocumentsEqualSeparateOnes(_ name: String) throws {
        let section = try TinyModels.family(name)
        let tokens = try TinyModels.tokens("packed", 1, 24), targets = try TinyModels.tokens("targets", 1, 24)
        let index = [Int32](repeating: 0, count: 7) + [Int32](repeating: 1, count: 17)
        let packed = try TinyModels.synthetic(section, dtype: .float64)
        try packed.lossSum(tokens, targets: targets, sequenceIndex: Tensor(index, shape: [1, 24])).backward()
        let separate = try TinyModels.synthetic(section, dtype: .float64)
        for (start, count) in [(0, 7), (7, 17)] {
            let part = try tokens.narrow(1, from: start, length: count)
            try separate.lossSum(part, targets: targets.narrow(1, from: start, length: count)).backward()
        }
        for (ours, theirs) in zip(packed.registry.parameters, separate.registry.parameters) {
            let a = try #require(ours.value.grad, "\(ours.name)"), b = try #require(theirs.value.grad)
            let difference = try maximumDifference(a, b)
            let scale = try max(1, b.abs().max().item())
            #expect(difference <= 1e-11 * scale, "\(ours.name) differs by \(difference)")
        }
    }

    /// Padding is a document of its own, before or after the text.
    @Test(arguments: TinyModels.families, [1, 9])
    func paddingOnTheLeftChangesNothing(_ name: String, count: Int) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name))
        let tokens = try TinyModels.tokens("text", 1, 21)
        let padding = try Tensor.zeros([1, count], dtype: .int64)
        let index = [Int32](repeating: -1, count: count) + [Int32](repeating: 0, count: 21)
        let alone = try model.logits(model.hidden(tokens))
        let padded = try model.logits(
            model.hidden(Tensor.cat([padding, tokens], dim: 1), sequenceIndex: Tensor(index, shape: [1, 21 + count])))
        let difference = try maximumDifference(padded.narrow(1, from: count, length: 21), alone)
        #expect(difference <= 5e-6, "differs by \(difference)")
    }

    @Test(arguments: TinyModels.families)
    func paddingOnTheRightChangesNothing(_ name: String) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name))
        let tokens = try TinyModels.tokens("text", 1, 21)
        let padded = try Tensor.cat([tokens, Tensor.zeros([1, 9], dtype: .int64)], dim: 1)
        let alone = try model.logits(model.hidden(tokens))
        let difference = try maximumDifference(model.logits(model.hidden(padded)).narrow(1, from: 0, length: 21), alone)
        #expect(difference <= 5e-6, "differs by \(difference)")
    }

    /// How far scores may be from those of the whole forward, for scores of this size.
    private func decodingBound(_ scores: Tensor) throws -> Double {
        try 1e-5 * max(1, scores.to(.float64).square().mean().item().squareRoot())
    }

    @Test(arguments: TinyModels.families, [1, 2, 23])
    func stepByStepEqualsTheWholeForward(_ name: String, prompt: Int) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name))
        let tokens = try TinyModels.tokens("generation", 2, 60)
        let whole = try model.logits(model.hidden(tokens)), bound = try decodingBound(whole)
        let state = model.generationState()
        var scores = try model.step(tokens.narrow(1, from: 0, length: prompt), state)
        for position in prompt..<60 {
            let difference = try maximumDifference(scores, whole.select(1, position - 1))
            #expect(difference <= bound, "after \(position) tokens the scores differ by \(difference)")
            scores = try model.step(tokens.narrow(1, from: position, length: 1), state)
        }
        #expect(state.position == 60)
        #expect(try maximumDifference(scores, whole.select(1, 59)) <= bound)
    }

    /// Prompts of different length in one batch, the shorter one padded on its left.
    @Test(arguments: TinyModels.families)
    func generationWithPaddingOnTheLeftEqualsGenerationAlone(_ name: String) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name))
        let texts = try [TinyModels.tokens("long", 1, 30), TinyModels.tokens("short", 1, 30)], pads = [0, 4]
        let prompt = 12
        let rows = try zip(texts, pads).map { text, pad in
            try Tensor.cat(
                [Tensor.zeros([1, pad], dtype: .int64), text.narrow(1, from: 0, length: prompt - pad)], dim: 1)
        }
        let index = pads.flatMap { [Int32](repeating: -1, count: $0) + [Int32](repeating: 0, count: prompt - $0) }
        let state = model.generationState()
        var scores = try model.step(
            Tensor.cat(rows), state, sequenceIndex: Tensor(index, shape: [2, prompt]))
        let wholes = try texts.map { try model.logits(model.hidden($0)) }
        let bound = try decodingBound(Tensor.cat(wholes))
        for step in 0..<12 {
            for (row, pad) in pads.enumerated() {
                let expected = try wholes[row].select(1, prompt - pad + step - 1)
                let difference = try maximumDifference(scores.narrow(0, from: row, length: 1), expected)
                #expect(difference <= bound, "row \(row) differs by \(difference) at step \(step)")
            }
            let next = try zip(texts, pads).map { try $0.narrow(1, from: prompt - $1 + step, length: 1) }
            scores = try model.step(Tensor.cat(next), state)
        }
    }

    @Test(arguments: TinyModels.families)
    func everyParameterMatters(_ name: String) throws {
        let model = try TinyModels.synthetic(TinyModels.family(name))
        try model.lossSum(TinyModels.tokens(2, 40), targets: TinyModels.tokens("targets", 2, 40)).backward()
        for parameter in model.registry.parameters {
            let gradient = try #require(parameter.value.grad, "\(parameter.name) has no gradient")
            #expect(try gradient.allFinite(), "\(parameter.name)")
            #expect(try gradient.abs().max().item() > 0, "\(parameter.name) changes nothing")
        }
    }

    @Test(arguments: TinyModels.families, [false, true])
    func smallSiblingsTrain(_ name: String, mixedPrecision: Bool) throws {
        let model = try HybridModel(TinyModels.family(name))
        let optimizer = try AdamW(model.registry.trainable, AdamW.Settings(weightDecay: 0))
        let tokens = try TinyModels.tokens(2, 24), targets = try TinyModels.tokens("targets", 2, 24)
        var losses: [Double] = []
        for _ in 0..<60 {
            let loss = try autocast(mixedPrecision ? .bfloat16 : nil) { () throws(TorchError) in
                try model.lossSum(tokens, targets: targets) / 48
            }
            try loss.backward()
            _ = try GradientNorm.clip(optimizer.parameters, to: 1)
            try optimizer.step(learningRate: 1e-2)
            optimizer.zeroGradients()
            losses.append(try loss.item())
        }
        #expect(losses[59] < 0.7 * losses[0], "\(losses[0]) to \(losses[59])")
    }

    @Test func aFamilyHasItsOwnLayersOnly() throws {
        var section = try TinyModels.nemotronH("M-*M-")
        section.family = .samba
        #expect(throws: ModelError.self) { try HybridModel(section) }
        section.family = .bamba
        #expect(throws: ModelError.self) { try HybridModel(section) }
    }
}
