import MoltModels
import MoltTensor
import Testing

/// The chunked operator against the recurrence that defines it.
struct SSDTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var length: Int
        var chunk: Int
        var boundaries: Bool
        var initialState: Bool

        var testDescription: String {
            let extras = (boundaries ? ", boundaries" : "") + (initialState ? ", initial state" : "")
            return "length \(length), chunk \(chunk)\(extras)"
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
        let fast = try ScanProbe(example, .float64), plain = try ScanProbe(example, .float64)
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

    private func expectSameGradients(_ ours: ScanProbe, _ theirs: ScanProbe, _ bound: Double) throws {
        for (name, (a, b)) in zip(ours.names, zip(ours.leaves, theirs.leaves)) {
            let (gradient, expected) = (try #require(a.grad, "\(name)"), try #require(b.grad))
            let difference = try relativeDifference(gradient, expected)
            #expect(difference <= bound, "the gradient of \(name) is off by \(difference)")
        }
    }

    @Test(arguments: cases.filter { $0.length <= 255 })
    func singlePrecisionStaysClose(_ example: Case) throws {
        let output = try SSD.scan(ScanProbe(example, .float32).input, chunk: example.chunk)
        let expected = try SSDReference.scan(ScanProbe(example, .float64).input)
        try expectSame(output, expected, forward: 2e-6)
    }

    @Test(arguments: cases.filter { $0.length <= 255 })
    func theFormInPlainOperatorsIsTheSame(_ example: Case) throws {
        let matrix = try ScanProbe(example, .float64), plain = try ScanProbe(example, .float64)
        let output = try SSDMatrixForm.scan(matrix.input, chunk: example.chunk)
        let expected = try SSDReference.scan(plain.input)
        try expectSame(output, expected, forward: 1e-12)
        try matrix.backward(output)
        try plain.backward(expected)
        try expectSameGradients(matrix, plain, 1e-10)
    }

    @Test func aSequenceInTwoPiecesIsTheSequence() throws {
        let example = Case(length: 101, chunk: 32, boundaries: false, initialState: true)
        let whole = try ScanProbe(example, .float64).input
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
