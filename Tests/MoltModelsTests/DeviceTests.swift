import MoltModels
import MoltNN
import MoltRecipe
import MoltTensor
import MoltTesting
import Testing

/// Models that generate and evaluate, on every device of this machine and in both types.
struct DeviceTests {
    private static func rms(_ tensor: Tensor) throws -> Double {
        try tensor.to(.float64).square().mean().item().squareRoot()
    }

    /// Scores of every token, [1, s, vocabulary], on the CPU and in the model's type.
    private static func whole(_ model: HybridModel, _ tokens: Tensor, _ products: DType? = nil) throws -> Tensor {
        try noGrad { () throws(TorchError) in
            try autocast(products, on: model.device) { () throws(TorchError) in
                try model.logits(model.hidden(tokens.to(model.device))).to(.cpu, model.registry.dtype)
            }
        }
    }

    /// The same from a prompt of seven tokens on, token by token.
    private static func decoded(_ model: HybridModel, _ tokens: Tensor, _ products: DType? = nil) throws -> Tensor {
        let all = try tokens.array(of: Int64.self).map(Int32.init)
        let batch = try GenerationBatch(model, prompts: [Array(all[..<7])], precision: products)
        var scores = [try batch.scores.to(.cpu, model.registry.dtype)]
        for token in all[7...] {
            try batch.advance([token])
            scores.append(try batch.scores.to(.cpu, model.registry.dtype))
        }
        return try Tensor.stack(scores, dim: 1)
    }

    /// The same numbers in fp64; in fp32 no further from them than the whole text is, whose own rounding some texts
    /// make larger than the bar of 1e-5 (of mamba2 with attention here 0.8e-5, once up and once down).
    @Test(arguments: TinyModels.families, TinyModels.devices)
    func tokenByTokenEqualsTheWholeTextOnTheCPU(_ name: String, on device: Device) throws {
        let section = try TinyModels.family(name), tokens = try TinyModels.tokens("device", 1, 40)
        let wide = try TinyModels.synthetic(section, dtype: .float64)
        let exact = try Self.whole(wide, tokens).narrow(1, from: 6, length: 34)
        let scale = try max(1, Self.rms(exact))
        #expect(try maximumDifference(Self.decoded(wide, tokens), exact) <= 1e-12 * scale)
        let whole = try Self.whole(TinyModels.synthetic(section), tokens).narrow(1, from: 6, length: 34)
        let bound = try max(1e-5 * scale, 2 * maximumDifference(whole, exact))
        let found = try Self.decoded(TinyModels.synthetic(section, on: device), tokens)
        // Two processors add in another order, and have other exponentials.
        #expect(try maximumDifference(found, exact) <= (device == .cpu ? 1 : 10) * bound)
    }

    /// Rounding is all that bf16 costs, and a state that is carried along rounds no worse than a whole text.
    @Test(arguments: TinyModels.families, TinyModels.devices)
    func tokenByTokenKeepsToTheWholeTextInBF16(_ name: String, on device: Device) throws {
        let section = try TinyModels.family(name), tokens = try TinyModels.tokens("device", 1, 40)
        let full = try Self.whole(TinyModels.synthetic(section), tokens).narrow(1, from: 6, length: 34)
        let model = try TinyModels.synthetic(section, matrices: .bfloat16, on: device)
        let half = try Self.whole(model, tokens, .bfloat16).narrow(1, from: 6, length: 34)
        let steps = try Self.decoded(model, tokens, .bfloat16)
        let rounding = try Self.rms(half - full), scale = try Self.rms(full)
        #expect(rounding > 0 && rounding <= 0.1 * scale, "relative \(rounding / scale)")
        let drift = try Self.rms(steps - half), error = try Self.rms(steps - full)
        #expect(drift <= 2 * rounding && error <= 2 * rounding, "\(drift), \(error) of \(rounding)")
    }

    /// What a run is said to keep before it is submitted is what the engine keeps.
    @Test(arguments: TinyModels.families, [20, 300])
    func theEstimateOfStatesIsWhatGenerationKeeps(_ name: String, length: Int) throws {
        let section = try TinyModels.family(name)
        let prompts = (0..<2).map { row in (0..<length).map { Int32(($0 + row) % 37) } }
        let batch = try GenerationBatch(TinyModels.synthetic(section), prompts: prompts)
        let estimate = InferenceEstimate.states(of: section, sequences: 2, tokens: length, isHalf: false)
        #expect(Double(batch.stateBytes) == estimate)
    }

    /// Matrices that are held in bf16 are those that autocast makes of fp32 ones, which were rounded before.
    @Test(arguments: TinyModels.families)
    func matricesHeldInBF16AreWhatAutocastWouldMakeOfThem(_ name: String) throws {
        let section = try TinyModels.family(name), tokens = try TinyModels.tokens("device", 2, 30)
        let held = try TinyModels.synthetic(section, matrices: .bfloat16), cast = try TinyModels.synthetic(section)
        var halves = 0
        for parameter in cast.registry.parameters {
            let twin = try #require(held.registry[parameter.name])
            #expect(twin.value.dtype == (parameter.isMatrix ? .bfloat16 : .float32), "\(parameter.name)")
            if parameter.isMatrix { try parameter.assign(parameter.value.to(.bfloat16).to(.float32)) }
            halves += parameter.isMatrix ? parameter.count : 0
        }
        #expect(halves * 2 > cast.registry.count, "most of a model is matrices")
        let (a, b) = (try Self.whole(held, tokens, .bfloat16), try Self.whole(cast, tokens, .bfloat16))
        #expect(try maximumDifference(a, b) <= 1e-6 * max(1, Self.rms(b)))
    }

    @Test func aParameterThatChangesItsTypeKeepsItsValues() throws {
        let model = try TinyModels.synthetic(TinyModels.mamba2())
        let wanted = try TinyModels.synthetic(TinyModels.mamba2(), matrices: .bfloat16)
        let tokens = try TinyModels.tokens("device", 1, 9)
        for parameter in model.registry.parameters {
            try parameter.setTrainable(false)
            if parameter.isMatrix { try parameter.hold(in: .bfloat16) }
        }
        let (a, b) = (try Self.whole(model, tokens, .bfloat16), try Self.whole(wanted, tokens, .bfloat16))
        #expect(try maximumDifference(a, b) == 0)
    }

    /// What runs where no kernel of ours does keeps states in fp32, whatever products around it are rounded to.
    @Test func theScanInPlainOperatorsStaysInFP32UnderAutocast() throws {
        func numbers(_ shape: [Int], _ name: String) throws -> Tensor {
            try Tensor(SyntheticNumbers.uniform(name, shape.reduce(1, *)).map { Float($0) }, shape: shape)
        }
        let input = SSDInput(
            x: try numbers([2, 21, 4, 3], "x"), dt: try numbers([2, 21, 4], "dt"), dtBias: try numbers([4], "bias"),
            aLog: try numbers([4], "a"), b: try numbers([2, 21, 2, 5], "b"), c: try numbers([2, 21, 2, 5], "c"),
            d: try numbers([4], "d"))
        let wanted = try SSDReference.scan(input)
        let found = try autocast(.bfloat16) { () throws(TorchError) in try SSDMatrixForm.scan(input, chunk: 8) }
        #expect(found.finalState_bhpn.dtype == .float32)
        #expect(try maximumDifference(found.y_bshp, wanted.y_bshp) <= 1e-4)
        #expect(try maximumDifference(found.finalState_bhpn, wanted.finalState_bhpn) <= 1e-5)
    }
}
