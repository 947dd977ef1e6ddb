import MoltTensor
import Testing

struct GradientTests {
    typealias Function = @Sendable (Tensor) throws -> Tensor

    /// Functions of a 3×4 matrix of float64, each with its name.
    static let functions: [(String, Function)] = [
        ("matmul", { try $0.matmul($0.transpose(0, 1)) }),
        ("silu", { try $0.silu() }),
        ("gelu", { try $0.gelu(tanh: true) }),
        ("softplus", { try $0.softplus() }),
        ("softmax", { try $0.softmax(-1).square() }),
        ("rmsNorm", { try $0.rmsNorm([4], weight: nil, epsilon: 1e-5) }),
        ("layerNorm", { try $0.layerNorm([4], weight: nil, bias: nil, epsilon: 1e-5) }),
        ("crossEntropy", { try $0.crossEntropy(Tensor([3, 0, 1])) }),
        ("cumsum", { try $0.cumsum(1).exp() }),
        ("quotient", { try 1 / ($0 * $0 + 1) - 2 * $0 }),
        ("indexing", { try $0.index([nil, Tensor([3, 0, 3])]) * $0.narrow(1, from: 0, length: 3) }),
        ("cat", { try Tensor.cat([$0, $0.flip([1])], dim: 0).pow(3) }),
        ("rsqrt", { try ($0.square() + 0.5).rsqrt() }),
    ]

    @Test(arguments: functions.indices)
    func gradientsMatchFiniteDifferences(of index: Int) throws {
        let (name, function) = Self.functions[index]
        try RandomState.seed(7)
        let x = try Tensor.randn([3, 4], dtype: .float64)
        let weights = try noGrad { try Tensor.randn(function(x).shape, dtype: .float64) }
        let leaf = try x.clone().requiresGrad_()
        try (function(leaf) * weights).sum().backward()
        let analytic = try #require(leaf.grad).array(of: Double.self)

        let values = try x.array(of: Double.self)
        let step = 1e-6
        for i in values.indices {
            func loss(_ offset: Double) throws -> Double {
                var moved = values
                moved[i] += offset
                return try (function(Tensor(moved, shape: [3, 4])) * weights).sum().item()
            }
            let numeric = try (loss(step) - loss(-step)) / (2 * step)
            #expect(abs(numeric - analytic[i]) < 1e-6 * max(1, abs(numeric)), "\(name), element \(i)")
        }
    }

    @Test func gradientsAccumulateUntilTheyAreRemoved() throws {
        let x = try Tensor([2.0]).requiresGrad_()
        try (x * x).sum().backward()
        try (x * x).sum().backward()
        #expect(try x.grad?.item() == 8)
        x.grad = nil
        #expect(x.grad == nil)
    }

    @Test func gradientsCanBeAskedForWithoutTouchingLeaves() throws {
        let x = try Tensor([3.0]).requiresGrad_()
        let unused = try Tensor([1.0]).requiresGrad_()
        let first = try Tensor.gradients(of: [x.pow(3)], withRespectTo: [x, unused], createGraph: true)
        let slope = try #require(first[0])
        #expect(try slope.item() == 27)
        #expect(first[1] == nil)
        #expect(x.grad == nil)
        let second = try Tensor.gradients(of: [slope], withRespectTo: [x])
        #expect(try second[0]?.item() == 18)
    }

    @Test func nothingIsRecordedInsideNoGrad() throws {
        let x = try Tensor([3.0]).requiresGrad_()
        let y = try noGrad { try x * x }
        #expect(!y.requiresGrad)
        #expect(throws: TorchError.self) { try y.backward() }
        let z = try noGrad { try withGrad { try x * x } }
        #expect(z.requiresGrad)
    }

    @Test func hooksRunWhileBackwardRuns() throws {
        let x = try Tensor([3.0]).requiresGrad_()
        let w = try Tensor([5.0]).requiresGrad_()
        var seen: [Double] = []
        let hooks = [
            try GradientHook(x) { () throws(TorchError) in if let grad = x.grad { seen.append(try grad.item()) } },
            try GradientHook(w) { () throws(TorchError) in if let grad = w.grad { seen.append(try grad.item()) } },
        ]
        try withExtendedLifetime(hooks) { try (x * w).sum().backward() }
        #expect(seen.sorted() == [3, 5])
    }

    @Test func removedHooksAreSilent() throws {
        let x = try Tensor([3.0]).requiresGrad_()
        var calls = 0
        do {
            let hook = try GradientHook(x) { calls += 1 }
            try withExtendedLifetime(hook) { try (x * 2).sum().backward() }
        }
        try (x * 2).sum().backward()
        #expect(calls == 1)
    }

    @Test func failingHooksEndBackward() throws {
        let x = try Tensor([3.0]).requiresGrad_()
        let hook = try GradientHook(x) { () throws(TorchError) in throw TorchError(.communication, "peer gone") }
        #expect(throws: TorchError.self) { try withExtendedLifetime(hook) { try (x * 2).sum().backward() } }
    }

    @Test func hooksNeedLeavesThatRequireGrad() throws {
        #expect(throws: TorchError.self) { try GradientHook(Tensor([3.0])) {} }
    }
}
