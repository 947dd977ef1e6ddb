import MoltTensor
import MoltTesting
import Testing

struct KernelSSDTests {
    static let operation = Operator("molt::ssd")

    struct Case: CustomTestStringConvertible, Sendable {
        var length: Int
        /// Everything that the table runs over unless a test names one.
        var chunks = [16, 32, 64, 100, 128, 256]
        var packed = false
        var initial = false
        var skip = true
        /// Decay so slow that the first token still counts at the last.
        var slow = false
        var sizes = (batch: 2, heads: 4, width: 8, groups: 2, state: 16)

        var testDescription: String {
            "length \(length)\(packed ? ", packed" : "")\(initial ? ", initial state" : "")\(slow ? ", slow" : "")"
        }

        /// A document starts after every 9th, then every 23rd token, at other places in each sequence of the batch.
        var documents: [[Int]]? {
            guard packed else { return nil }
            return (0..<sizes.batch).map { b in (0..<length).map { ($0 + 4 * b) / 9 % 3 + ($0 + b) / 23 } }
        }

        /// x, dt, A, B, C, D, initial state: the same numbers in every run, whatever runs beside.
        func arguments() throws -> [Tensor?] {
            let s = sizes
            func numbers(_ name: String, _ shape: [Int]) throws -> Tensor {
                try Tensor(SyntheticNumbers.uniform(name, shape.reduce(1, *)), shape: shape)
            }
            let spread = try numbers("A", [s.heads]) * 0.5 + 0.5
            let rate = slow ? try spread * 0.01 : try (spread * 2.7).exp()
            return [
                try numbers("x", [s.batch, length, s.heads, s.width]),
                try (numbers("dt", [s.batch, length, s.heads]) * 2 - 2).softplus(), try -rate,
                try numbers("B", [s.batch, length, s.groups, s.state]),
                try numbers("C", [s.batch, length, s.groups, s.state]),
                skip ? try numbers("D", [s.heads]) : nil,
                initial ? try numbers("state", [s.batch, s.heads, s.width, s.state]) : nil,
            ]
        }

        func index() throws -> Tensor? {
            try documents.map { try Tensor($0.flatMap { $0 }, shape: [sizes.batch, length]) }
        }

        func run(_ argument: [Tensor?], chunk: Int) throws -> [Tensor] {
            let results = try KernelSSDTests.operation.results(
                argument[0], argument[1], argument[2], argument[3], argument[4], argument[5], argument[6], index(),
                chunk)
            return [try results.tensor(0), try results.tensor(1)]
        }

        func check(_ comparison: KernelComparison) throws {
            let expected = try comparison.expect(arguments()) { try KernelOracles.ssd($0, documents: documents) }
            for chunk in chunks {
                try comparison.check(
                    { try run($0, chunk: chunk) }, gives: expected, "\(testDescription), chunk \(chunk)")
            }
        }
    }

    static let cases: [Case] = [1, 7, 64, 255, 1000].flatMap { length in
        [
            Case(length: length), Case(length: length, initial: true), Case(length: length, packed: true),
            Case(length: length, packed: true, initial: true, skip: false), Case(length: length, slow: true),
        ]
    }

    @Test(arguments: cases)
    func scanAndItsGradientsEqualTheRecurrence(_ testCase: Case) throws {
        try testCase.check(KernelComparison(dtype: .float64, forwardTolerance: 1e-12, gradientTolerance: 1e-10))
    }

    @Test(arguments: cases)
    func singlePrecisionStaysNearTheRecurrence(_ testCase: Case) throws {
        var testCase = testCase
        testCase.sizes = (batch: 1, heads: 2, width: 16, groups: 1, state: 128)
        try testCase.check(KernelComparison(dtype: .float32, forwardTolerance: 2e-6, gradientTolerance: 2e-6))
    }

    static let modelSizes = (batch: 1, heads: 4, width: 64, groups: 2, state: 128)

    @Test(arguments: [7, 255])
    func singlePrecisionStaysNearTheRecurrenceAtTheSizesOfModels(length: Int) throws {
        try Case(length: length, chunks: [128], packed: true, initial: true, sizes: Self.modelSizes).check(
            KernelComparison(dtype: .float32, forwardTolerance: 2e-6, gradientTolerance: 2e-6))
    }

    @Test func sizesThatFillNoRegisterAreComputedToo() throws {
        let sizes = (batch: 1, heads: 3, width: 20, groups: 1, state: 24)
        try Case(length: 255, chunks: [64], packed: true, initial: true, sizes: sizes).check(
            KernelComparison(dtype: .float64, forwardTolerance: 1e-12, gradientTolerance: 1e-10))
    }

    @Test(arguments: [DType.bfloat16, .float16])
    func halfPrecisionRoundsOnlyItsResults(dtype: DType) throws {
        try Case(length: 100, chunks: [64], packed: true, initial: true, sizes: Self.modelSizes).check(
            KernelComparison(dtype: dtype, wide: [1, 2, 5, 6], forwardTolerance: 3e-3, gradientTolerance: 4e-3))
    }

    @Test func repeatsAreEqualBitForBit() throws {
        let testCase = Case(length: 200, packed: true, initial: true)
        let leaves = try testCase.arguments().map { try $0?.to(.float32).requiresGrad_() }
        func once() throws -> [Tensor] {
            let results = try testCase.run(leaves, chunk: 64)
            let loss = try results[0].square().sum() + results[1].sum()
            return try results
                + Tensor.gradients(of: [loss], withRespectTo: leaves.compactMap { $0 }).compactMap { $0 }
        }
        let first = try once()
        #expect(first.count == 9)
        for _ in 0..<3 {
            for (a, b) in zip(first, try once()) { #expect(try a.equals(b)) }
        }
    }

    @Test func aSequenceCutInTwoWithItsStateEqualsTheWhole() throws {
        let whole = Case(length: 100)
        let arguments = try whole.arguments()
        let expected = try whole.run(arguments, chunk: 64)
        func part(_ from: Int, _ length: Int, _ state: Tensor?) throws -> [Tensor] {
            var cut = try arguments.enumerated().map { index, tensor in
                [0, 1, 3, 4].contains(index) ? try tensor?.narrow(1, from: from, length: length) : tensor
            }
            cut[6] = state
            return try Case(length: length).run(cut, chunk: 64)
        }
        let first = try part(0, 37, nil), second = try part(37, 63, first[1])
        let joined = try Tensor.cat([first[0], second[0]], dim: 1)
        #expect(try KernelComparison.distance(joined, expected[0]) < 1e-13)
        #expect(try KernelComparison.distance(second[1], expected[1]) < 1e-13)
    }

    @Test func anEmptySequencePassesItsStateOn() throws {
        let arguments = try Case(length: 0, initial: true).arguments()
        let state = try #require(arguments[6]).requiresGrad_()
        let results = try Case(length: 0).run(Array(arguments[0..<6]) + [state], chunk: 4)
        #expect(try results[1].equals(state))
        let gradient = try Tensor.gradients(of: [results[1].sum()], withRespectTo: [state])
        #expect(try gradient[0]?.equals(state.onesLike()) == true)
    }

    @Test func wrongShapesAreNamed() throws {
        var arguments = try Case(length: 5).arguments()
        arguments[1] = try arguments[1]?.narrow(1, from: 0, length: 3)
        let error = #expect(throws: TorchError.self) { try Case(length: 5).run(arguments, chunk: 4) }
        #expect(error.map { "\($0)".contains("dt must have shape [2, 5, 4]") } == true)
    }
}
