import MoltTensor
import Testing

struct KernelFusedTests {
    static let double = KernelComparison(dtype: .float64, forwardTolerance: 1e-12, gradientTolerance: 1e-12)
    static let single = KernelComparison(dtype: .float32, forwardTolerance: 2e-6, gradientTolerance: 2e-6)
    static let bfloat = KernelComparison(dtype: .bfloat16, forwardTolerance: 6e-3, gradientTolerance: 8e-3)
    static let precisions = [double, single, bfloat]

    /// length, channels, taps
    static let convolutions = [(1, 5, 4), (2, 7, 4), (130, 40, 4), (70, 17, 2), (66, 9, 1)]

    @Test(arguments: convolutions, [false, true])
    func convolutionEqualsShiftedProducts(_ size: (length: Int, channels: Int, taps: Int), packed: Bool) throws {
        let operation = Operator("molt::causal_conv1d")
        let documents = packed ? (0..<2).map { b in (0..<size.length).map { ($0 + b) / 3 % 2 + $0 / 40 } } : nil
        let index = try documents.map { try Tensor($0.flatMap { $0 }, shape: [2, size.length]) }
        for (silu, continued) in [(true, false), (false, true), (true, true)] {
            try RandomState.seed(11)
            let arguments: [Tensor?] = [
                try .randn([2, size.length, size.channels], dtype: .float64),
                try .randn([size.channels, size.taps], dtype: .float64),
                silu ? try .randn([size.channels], dtype: .float64) : nil,
                continued && size.taps > 1 ? try .randn([2, size.channels, size.taps - 1], dtype: .float64) : nil,
            ]
            for precision in Self.precisions {
                try precision.check(
                    arguments,
                    kernel: {
                        let results = try operation.results($0[0], $0[1], $0[2], index, $0[3], silu)
                        return [try results.tensor(0), try results.tensor(1)]
                    },
                    oracle: { try KernelOracles.convolution($0, documents: documents, silu: silu) },
                    "\(size), packed \(packed), silu \(silu), \(precision.dtype)")
            }
        }
    }

    /// rows, width, group
    static let norms = [(1, 8, 8), (3, 40, 10), (37, 24, 24), (40, 130, 13)]

    @Test(arguments: norms, [false, true])
    func normOfGroupsEqualsItsFormula(_ size: (rows: Int, width: Int, group: Int), gated: Bool) throws {
        let operation = Operator("molt::gated_rms_norm")
        try RandomState.seed(12)
        let arguments: [Tensor?] = [
            try .randn([size.rows, size.width], dtype: .float64),
            gated ? try .randn([size.rows, size.width], dtype: .float64) : nil,
            try .randn([size.width], dtype: .float64),
        ]
        for precision in Self.precisions {
            try precision.check(
                arguments, kernel: { [try operation($0[0], $0[1], $0[2], 1e-5, size.group)] },
                oracle: { try KernelOracles.norm($0, group: size.group, epsilon: 1e-5) },
                "\(size), gated \(gated), \(precision.dtype)")
        }
    }

    @Test func normWithAResidualReturnsTheSumToo() throws {
        let operation = Operator("molt::add_rms_norm")
        try RandomState.seed(13)
        let arguments: [Tensor?] = [
            try .randn([9, 40], dtype: .float64), try .randn([9, 40], dtype: .float64),
            try .randn([40], dtype: .float64),
        ]
        for var precision in Self.precisions {
            precision.wide = [1]  // the stream of residuals stays in fp32
            try precision.check(
                arguments,
                kernel: {
                    let results = try operation.results($0[0], $0[1], $0[2], 1e-5)
                    return [try results.tensor(0), try results.tensor(1)]
                },
                oracle: {
                    guard let x = $0[0], let residual = $0[1] else { return [] }
                    let sum = try x + residual
                    return try KernelOracles.norm([sum, nil, $0[2]], group: 40, epsilon: 1e-5) + [sum]
                },
                "\(precision.dtype)")
        }
    }

    @Test func activationsEqualTheirFormulas() throws {
        let (relu, swiglu) = (Operator("molt::squared_relu"), Operator("molt::swiglu"))
        try RandomState.seed(14)
        let arguments: [Tensor?] = [
            try .randn([5, 1301], dtype: .float64), try .randn([5, 1301], dtype: .float64),
        ]
        for precision in Self.precisions {
            try precision.check(
                arguments, kernel: { [try swiglu($0[0], $0[1]), try relu($0[0])] },
                oracle: {
                    guard let a = $0[0], let b = $0[1] else { return [] }
                    return [try a.silu() * b, try a.relu().square()]
                },
                "\(precision.dtype)")
        }
    }

    @Test func whatIsNotANumberStaysSo() throws {
        let operation = Operator("molt::squared_relu")
        for dtype in [DType.float64, .float32, .bfloat16] {
            let input = try Tensor([-1, .nan, 0, 2] as [Double]).to(dtype).requiresGrad_()
            let output = try operation(input)
            try output.sum().backward()
            let results = try [output.detach(), #require(input.grad)].map { try $0.to(.float64).array(of: Double.self) }
            #expect(results.allSatisfy { $0[1].isNaN }, "\(dtype): \(results)")
            #expect(results.map { [$0[0], $0[2], $0[3]] } == [[0, 0, 4], [0, 0, 4]])
        }
    }

    /// rows, width, vocabulary, rows of a chunk
    static let losses = [(1, 4, 3, 8), (37, 24, 50, 10), (40, 24, 301, 16)]

    @Test(arguments: losses, [false, true])
    func lossByChunksEqualsTheLossOfAllLogits(
        _ size: (rows: Int, width: Int, vocabulary: Int, chunk: Int), weighted: Bool
    ) throws {
        let operation = Operator("molt::cross_entropy")
        try RandomState.seed(15)
        let targets = (0..<size.rows).map { $0 % 7 == 3 ? -100 : ($0 * 31) % size.vocabulary }
        let weights = weighted ? try Tensor.rand([size.rows], dtype: .float64) : nil
        let arguments: [Tensor?] = [
            try .randn([size.rows, size.width], dtype: .float64),
            try .randn([size.vocabulary, size.width], dtype: .float64) * 0.5, weights,
        ]
        for var precision in Self.precisions {
            if precision.dtype == .bfloat16 { precision.wide = [2] }
            try precision.check(
                [arguments[0], arguments[1]],
                kernel: {
                    [try operation.results($0[0], $0[1], Tensor(targets), weights, size.chunk).tensor(0)]
                },
                oracle: { try KernelOracles.crossEntropy($0 + [weights], targets: targets) },
                "\(size), weighted \(weighted), \(precision.dtype)")
        }
    }

    /// A scale of 1/1000, rounded to bfloat16, would be off by 0.055 % for the whole backbone.
    @Test func theScaleOfTheLossIsNotRounded() throws {
        let operation = Operator("molt::cross_entropy")
        try RandomState.seed(17)
        let hidden = try Tensor.randn([64, 256]).to(.bfloat16).requiresGrad_()
        let (weight, targets) = (try Tensor.randn([50, 256]), try Tensor((0..<64).map { $0 % 50 }))
        func gradient(_ scale: Double) throws -> Tensor {
            let loss = try operation.results(hidden, weight, targets, Operator.none, 16).tensor(0)
            return try #require(Tensor.gradients(of: [loss * scale], withRespectTo: [hidden])[0]).to(.float64)
        }
        let (whole, scaled) = (try gradient(1), try gradient(1e-3))
        let ratio = try (whole * scaled).sum().item() / (whole * whole).sum().item()
        #expect(abs(ratio / 1e-3 - 1) < 1e-4, "\(ratio)")
    }

    @Test func targetsOutsideOfTheVocabularyAreNamed() throws {
        let operation = Operator("molt::cross_entropy")
        let (hidden, weight) = (try Tensor.randn([2, 3]), try Tensor.randn([4, 3]))
        let error = #expect(throws: TorchError.self) {
            try operation.results(hidden, weight, Tensor([0, 4]), Operator.none, 8).tensor(0)
        }
        #expect(error.map { "\($0)".contains("one is 4") } == true)
    }

    @Test func bfloatProductsSumInFloatAndRoundOnce() throws {
        let operation = Operator("molt::linear_bfloat")
        try RandomState.seed(16)
        let arguments: [Tensor?] = [
            try .randn([3, 50, 40], dtype: .float64), try .randn([70, 40], dtype: .float64),
            try .randn([70], dtype: .float64),
        ]
        try Self.bfloat.check(
            arguments, kernel: { [try operation($0[0], $0[1], $0[2])] },
            oracle: {
                guard let x = $0[0], let weight = $0[1], let bias = $0[2] else { return [] }
                return [try x.matmul(weight.transpose(0, 1)) + bias]
            },
            "linear")
    }
}
