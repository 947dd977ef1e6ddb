import MoltModels
import MoltTensor
import MoltTesting
import Testing

/// The chunked operator against the recurrence that defines it.
struct SSDTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var length: Int
        var chunk: Int
        var boundaries: Bool
        var initialState: Bool

        var testDescription: String {
            "length \(length), chunk \(chunk)\(boundaries ? ", boundaries" : "")\(initialState ? ", initial state" : "")"
        }
    }

    static let cases: [Case] = [(1, 16), (7, 16), (7, 256), (255, 16), (255, 64), (255, 128), (1000, 64), (1000, 256)]
        .flatMap { length, chunk in
            [(false, false), (true, false), (false, true), (true, true)].map {
                Case(length: length, chunk: chunk, boundaries: $0.0, initialState: $0.1)
            }
        }

    @Test(arguments: cases)
    func forwardAndGradientsEqualTheRecurrenceInFP64(_ example: Case) throws {
        let fast = try Probe(example, .float64), plain = try Probe(example, .float64)
        let output = try SSD.scan(fast.input, chunk: example.chunk)
        let expected = try SSDReference.scan(plain.input)
        try expectSame(output, expected, forward: 1e-12)
        try fast.backward(output)
        try plain.backward(expected)
        try expectSameGradients(fast, plain, 1e-10)
    }

    private func expectSame(_ ours: SSDOutput, _ theirs: SSDOutput, forward bound: Double) throws {
        #expect(try relativeDifference(ours.y_bshp, theirs.y_bshp) <= bound)
        #expect(try relativeDifference(ours.finalState_bhpn, theirs.finalState_bhpn) <= bound)
    }

    private func expectSameGradients(_ ours: Probe, _ theirs: Probe, _ bound: Double) throws {
        for (name, (a, b)) in zip(ours.names, zip(ours.leaves, theirs.leaves)) {
            let (gradient, expected) = (try #require(a.grad, "\(name)"), try #require(b.grad))
            let difference = try relativeDifference(gradient, expected)
            #expect(difference <= bound, "the gradient of \(name) is off by \(difference)")
        }
    }

    @Test(arguments: cases.filter { $0.length <= 255 })
    func singlePrecisionStaysClose(_ example: Case) throws {
        let output = try SSD.scan(Probe(example, .float32).input, chunk: example.chunk)
        let expected = try SSDReference.scan(Probe(example, .float64).input)
        try expectSame(output, expected, forward: 2e-6)
    }

    @Test(arguments: cases.filter { $0.length <= 255 })
    func theFormInPlainOperatorsIsTheSame(_ example: Case) throws {
        let matrix = try Probe(example, .float64), plain = try Probe(example, .float64)
        let output = try SSDMatrixForm.scan(matrix.input, chunk: example.chunk)
        let expected = try SSDReference.scan(plain.input)
        try expectSame(output, expected, forward: 1e-12)
        try matrix.backward(output)
        try plain.backward(expected)
        try expectSameGradients(matrix, plain, 1e-10)
    }

    @Test func aSequenceInTwoPiecesIsTheSequence() throws {
        let example = Case(length: 101, chunk: 32, boundaries: false, initialState: true)
        let whole = try Probe(example, .float64).input
        let expected = try SSD.scan(whole, chunk: 32)
        let first = try SSD.scan(whole.tokens(0, 37), chunk: 32)
        var rest = try whole.tokens(37, 64)
        rest.initialState_bhpn = first.finalState_bhpn
        let second = try SSD.scan(rest, chunk: 32)
        let joined = try Tensor.cat([first.y_bshp, second.y_bshp], dim: 1)
        #expect(try relativeDifference(joined, expected.y_bshp) <= 1e-12)
        #expect(try relativeDifference(second.finalState_bhpn, expected.finalState_bhpn) <= 1e-12)
    }
}

/// Inputs of a scan by formula, with gradients wanted of all of them.
private struct Probe {
    let input: SSDInput
    let leaves: [Tensor]
    let names: [String]

    init(_ example: SSDTests.Case, _ dtype: DType) throws {
        let (b, s, h, p, g, n) = (2, example.length, 4, 3, 2, 5)
        func leaf(_ name: String, _ shape: [Int], center: Double = 0, spread: Double = 1) throws -> Tensor {
            let values = SyntheticNumbers.uniform(name, shape.reduce(1, *)).map { Float(center + spread * $0) }
            return try Tensor(values, shape: shape).to(dtype)
        }
        var tensors: [(String, Tensor)] = [
            ("x", try leaf("x", [b, s, h, p])), ("dt", try leaf("dt", [b, s, h])),
            ("dt_bias", try leaf("dt_bias", [h], center: -2)), ("A_log", try leaf("A_log", [h])),
            ("B", try leaf("B", [b, s, g, n])), ("C", try leaf("C", [b, s, g, n])), ("D", try leaf("D", [h])),
        ]
        if example.initialState { tensors.append(("initial state", try leaf("initial", [b, h, p, n]))) }
        for (_, tensor) in tensors { try tensor.requiresGrad_(true) }
        names = tensors.map(\.0)
        leaves = tensors.map(\.1)
        input = SSDInput(
            x: leaves[0], dt: leaves[1], dtBias: leaves[2], aLog: leaves[3], b: leaves[4], c: leaves[5], d: leaves[6],
            sequenceIndex: example.boundaries ? try Self.documents(b, s) : nil,
            initialState: example.initialState ? leaves[7] : nil)
    }

    /// Documents of uneven length, different in each row.
    private static func documents(_ batch: Int, _ length: Int) throws -> Tensor {
        let starts: [Set<Int>] = [[3, 16, 64, 65, 200, 640], [1, 31, 32, 100, 254, 511, 999]]
        var index: [Int32] = []
        for row in 0..<batch {
            var document: Int32 = 0
            for position in 0..<length {
                if starts[row % 2].contains(position) { document += 1 }
                index.append(document)
            }
        }
        return try Tensor(index, shape: [batch, length])
    }

    /// Backward from a weighted sum of outputs and final state, so that every path carries a gradient.
    func backward(_ output: SSDOutput) throws {
        let y = output.y_bshp, state = output.finalState_bhpn
        func weights(_ name: String, like tensor: Tensor) throws -> Tensor {
            let values = SyntheticNumbers.uniform(name, tensor.shape.reduce(1, *)).map(Float.init)
            return try Tensor(values, shape: tensor.shape).to(tensor.dtype)
        }
        try ((y * weights("dy", like: y)).sum() + (state * weights("dstate", like: state)).sum()).backward()
    }
}

extension SSDInput {
    fileprivate func tokens(_ start: Int, _ count: Int) throws -> SSDInput {
        var part = self
        part.x_bshp = try x_bshp.narrow(1, from: start, length: count)
        part.dt_bsh = try dt_bsh.narrow(1, from: start, length: count)
        part.b_bsgn = try b_bsgn.narrow(1, from: start, length: count)
        part.c_bsgn = try c_bsgn.narrow(1, from: start, length: count)
        part.initialState_bhpn = start == 0 ? initialState_bhpn : nil
        return part
    }
}

/// The largest difference over the largest value of the second, taken in fp64.
private func relativeDifference(_ ours: Tensor, _ theirs: Tensor) throws -> Double {
    #expect(ours.shape == theirs.shape)
    let scale = try theirs.to(.float64).abs().max().item()
    return try maximumDifference(ours, theirs) / max(scale, 1e-6)
}
