import MoltNN
import MoltTensor
import MoltTesting
import Testing

struct LayerTests {
    private func probe(_ name: String, _ shape: [Int], _ dtype: DType = .float32) throws -> Tensor {
        let values = SyntheticNumbers.uniform(name, shape.reduce(1, *)).map(Float.init)
        let tensor = try Tensor(values, shape: shape).to(dtype)
        try tensor.requiresGrad_(true)
        return tensor
    }

    /// Gated norm of one row by its definition, in plain Swift.
    private func gatedNorm(_ y: [Double], _ z: [Double], groups: Int) -> [Double] {
        let gated = zip(y, z).map { $0 * $1 / (1 + exponential(-$1)) }
        let size = gated.count / groups
        return gated.indices.map { index in
            let group = gated[(index / size * size)..<(index / size * size + size)]
            let mean = group.reduce(0) { $0 + $1 * $1 } / Double(size)
            return gated[index] / (mean + 1e-5).squareRoot()
        }
    }

    @Test(arguments: [1, 2, 3])
    func theGatedNormIsTakenOverGroups(_ groups: Int) throws {
        let y = SyntheticNumbers.uniform("y", 12), z = SyntheticNumbers.uniform("z", 12)
        let norm = try GatedRMSNorm(
            ParameterRegistry().root / "norm", width: 12, groupSize: 12 / groups, epsilon: 1e-5)
        let output = try norm(
            Tensor(y.map(Float.init), shape: [1, 1, 12]), gate: Tensor(z.map(Float.init), shape: [1, 1, 12]))
        let expected = try Tensor(gatedNorm(y, z, groups: groups).map(Float.init), shape: [1, 1, 12])
        #expect(try (output - expected).abs().max().item() <= 2e-6)
    }

    @Test(arguments: [nil, [0, 0, 0, 1, 1, 2, 2, 2, 2]] as [[Int32]?])
    func theConvolutionIsTheSumOfItsDefinition(_ documents: [Int32]?) throws {
        let conv = try CausalConv1d(ParameterRegistry().root / "conv1d", channels: 3, taps: 4)
        let x = SyntheticNumbers.uniform("x", 27)
        let index = try documents.map { try Tensor($0, shape: [1, 9]) }
        let output = try conv(Tensor(x.map(Float.init), shape: [1, 9, 3]), sequenceIndex: index).y_bsc
        let weight: [Float] = try conv.weight.value.array(), bias: [Float] = try #require(conv.bias).value.array()
        var expected: [Float] = []
        for t in 0..<9 {
            for channel in 0..<3 {
                var sum = Double(bias[channel])
                for tap in 0..<4 where t - 3 + tap >= 0 {
                    let source = t - 3 + tap
                    if let documents, documents[source] != documents[t] { continue }
                    sum += Double(weight[channel * 4 + tap]) * x[source * 3 + channel]
                }
                expected.append(Float(sum / (1 + exponential(-sum))))
            }
        }
        #expect(try (output - Tensor(expected, shape: [1, 9, 3])).abs().max().item() <= 1e-6)
    }

    @Test(arguments: [DType.float32, .float64])
    func theConvolutionEqualsItsReference(_ dtype: DType) throws {
        let conv = try CausalConv1d(ParameterRegistry(dtype: dtype).root / "conv1d", channels: 11, taps: 4)
        let index = try Tensor([0, 0, 0, 1, 1, 2, 2] + [Int32](repeating: 3, count: 30), shape: [1, 37])
        let (x, y) = (try probe("x", [1, 37, 11], dtype), try probe("x", [1, 37, 11], dtype))
        let fast = try conv(x, sequenceIndex: index).y_bsc
        let plain = try CausalConv1dReference.forward(
            y, weight: conv.weight.value, bias: conv.bias?.value, sequenceIndex: index, tail: nil).y_bsc
        let bound = dtype == .float64 ? 1e-13 : 2e-6
        #expect(try (fast - plain).abs().max().item() <= bound)
        try (fast * fast).sum().backward()
        try (plain * plain).sum().backward()
        let (a, b) = (try #require(x.grad), try #require(y.grad))
        #expect(try (a - b).abs().max().item() <= 20 * bound)
    }

    @Test func aSequenceInPiecesIsTheSequence() throws {
        let conv = try CausalConv1d(ParameterRegistry().root / "conv1d", channels: 5, taps: 4)
        let x = try probe("x", [2, 20, 5])
        let whole = try conv(x).y_bsc
        var tail: Tensor?, pieces: [Tensor] = []
        for (start, count) in [(0, 1), (1, 1), (2, 7), (9, 11)] {
            let (piece, next) = try conv(x.narrow(1, from: start, length: count), tail: tail)
            pieces.append(piece)
            tail = next
        }
        #expect(try (Tensor.cat(pieces, dim: 1) - whole).abs().max().item() <= 1e-6)
    }

    @Test(arguments: [DType.float32, .float64])
    func normsEqualTheirReferences(_ dtype: DType) throws {
        let registry = ParameterRegistry(dtype: dtype)
        let norm = try RMSNorm(registry.root / "a", width: 33, epsilon: 1e-5)
        let gated = try GatedRMSNorm(registry.root / "b", width: 33, groupSize: 11, epsilon: 1e-5)
        let bound = dtype == .float64 ? 1e-13 : 3e-6
        let (x, z) = (try probe("x", [2, 7, 33], dtype), try probe("z", [2, 7, 33], dtype))
        let (u, v) = (try probe("x", [2, 7, 33], dtype), try probe("z", [2, 7, 33], dtype))
        let fast = try norm(x) + gated(x, gate: z)
        let plain = try NormReference.rms(u, weight: norm.weight.value, epsilon: 1e-5)
            + NormReference.gated(u, gate: v, weight: gated.weight.value, groupSize: 11, epsilon: 1e-5)
        #expect(try (fast - plain).abs().max().item() <= bound)
        try (fast * fast).sum().backward()
        try (plain * plain).sum().backward()
        for (a, b) in [(x, u), (z, v)] {
            let (ours, theirs) = (try #require(a.grad), try #require(b.grad))
            #expect(try (ours - theirs).abs().max().item() <= 20 * bound)
        }
    }

    @Test(arguments: [DType.float32, .float64], [nil, 30, 0.7] as [Double?])
    func theChunkedLossEqualsTheWholeOne(_ dtype: DType, softcap: Double?) throws {
        let targets = try Tensor(
            (0..<46).map { $0 % 5 == 0 ? -100 : Int64($0 * 7 % 29) }, shape: [2, 23])
        let (hidden, weight) = (try probe("hidden", [2, 23, 9], dtype), try probe("weight", [29, 9], dtype))
        let (hidden2, weight2) = (try probe("hidden", [2, 23, 9], dtype), try probe("weight", [29, 9], dtype))
        let fast = try CrossEntropy.sum(hidden: hidden, weight: weight, targets: targets, softcap: softcap)
        let plain = try CrossEntropyReference.sum(
            hidden: hidden2, weight: weight2, targets: targets, softcap: softcap)
        #expect(try abs(fast.item() - plain.item()) <= 1e-5 * plain.item())
        try (fast * 0.5).backward()
        try (plain * 0.5).backward()
        for (a, b) in [(hidden, hidden2), (weight, weight2)] {
            let (ours, theirs) = (try #require(a.grad), try #require(b.grad))
            #expect(try (ours - theirs).abs().max().item() <= 3e-6)
        }
    }

    @Test(arguments: [MLP.Activation.silu, .gelu, .geluTanh, .squaredReLU], [false, true])
    func activationsFollowTheirFormulas(_ activation: MLP.Activation, gated: Bool) throws {
        let (x, gate) = (try probe("x", [3, 17], .float64), try probe("gate", [3, 17], .float64))
        let (u, v) = (try probe("x", [3, 17], .float64), try probe("gate", [3, 17], .float64))
        let argument = gated ? v : u
        let plain: Tensor
        switch activation {
        case .silu: plain = try argument * argument.sigmoid()
        case .gelu: plain = try argument.gelu()
        case .geluTanh:
            let inner = try (argument + argument * argument * argument * 0.044715) * 0.797_884_560_802_865_4
            plain = try argument * 0.5 * (inner.tanh() + 1)
        case .squaredReLU: plain = try argument * argument * (argument .> 0.0).to(.float64)
        }
        let expected = gated ? try plain * u : plain
        let output = gated ? try activation(x, gate: gate) : try activation(x)
        #expect(try (output - expected).abs().max().item() <= 1e-14)
        try output.square().sum().backward()
        try expected.square().sum().backward()
        for (ours, theirs) in gated ? [(x, u), (gate, v)] : [(x, u)] {
            let (a, b) = (try #require(ours.grad), try #require(theirs.grad))
            #expect(try (a - b).abs().max().item() <= 1e-13)
        }
    }

    @Test func targetsThatAreIgnoredCountForNothing() throws {
        let (hidden, weight) = (try probe("hidden", [1, 3, 4]), try probe("weight", [5, 4]))
        let targets = try Tensor([Int64](repeating: -100, count: 3), shape: [1, 3])
        let loss = try CrossEntropy.sum(hidden: hidden, weight: weight, targets: targets)
        #expect(try loss.item() == 0)
    }

    @Test func linearsOnMetaHaveShapesAndNoMemory() throws {
        let registry = ParameterRegistry(device: .meta)
        let linear = try Linear(registry.root / "huge", 1 << 20, 1 << 20, bias: true)
        #expect(linear.weight.value.shape == [1 << 20, 1 << 20])
        #expect(registry.count == (1 << 40) + (1 << 20))
        #expect(registry.names == ["huge.weight", "huge.bias"])
    }
}

private func exponential(_ x: Double) -> Double {
    var sum = 1.0, term = 1.0
    for k in 1..<60 {
        term *= x / Double(k)
        sum += term
    }
    return sum
}
