import MoltModels
import MoltTensor
import Testing

/// The chunked operator against the recurrence that defines it.
struct SSDTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var length: Int
        var boundaries: Bool
        var initialState: Bool

        var testDescription: String {
            "length \(length)\(boundaries ? ", boundaries" : "")\(initialState ? ", initial state" : "")"
        }
    }

    static let cases: [Case] = [1, 7, 255, 1000].flatMap { length in
        [(false, false), (true, false), (false, true), (true, true)].map {
            Case(length: length, boundaries: $0.0, initialState: $0.1)
        }
    }
    /// Each case is scanned with each of these and compared with one recurrence.
    static let chunks = [16, 32, 64, 128, 256]

    @Test(arguments: cases)
    func forwardAndGradientsEqualTheRecurrenceInFP64(_ example: Case) throws {
        try compare(example, .float64, forward: 1e-12, gradients: 1e-10, scan: SSD.scan)
    }

    @Test(arguments: cases)
    func singlePrecisionStaysClose(_ example: Case) throws {
        try compare(example, .float32, forward: 2e-6, gradients: 2e-6, scan: SSD.scan)
    }

    @Test(arguments: cases.filter { $0.length <= 255 })
    func theFormInPlainOperatorsIsTheSame(_ example: Case) throws {
        try compare(example, .float64, forward: 1e-12, gradients: 1e-10, scan: SSDMatrixForm.scan)
    }

    private func compare(
        _ example: Case, _ dtype: DType, forward: Double, gradients: Double,
        scan: (SSDInput, Int) throws -> SSDOutput
    ) throws {
        let plain = try ScanProbe(example, .float64)
        let expected = try SSDReference.scan(plain.input)
        try plain.backward(expected)
        for chunk in Self.chunks {
            let fast = try ScanProbe(example, dtype)
            let output = try scan(fast.input, chunk)
            try fast.backward(output)
            try expectSame(output, expected, forward, "chunk \(chunk)")
            try expectSameGradients(fast, plain, gradients, "chunk \(chunk)")
        }
    }

    private func expectSame(
        _ ours: SSDOutput, _ theirs: SSDOutput, _ bound: Double, _ comment: Comment
    ) throws {
        #expect(try relativeDifference(ours.y_bshp, theirs.y_bshp) <= bound, comment)
        #expect(try relativeDifference(ours.finalState_bhpn, theirs.finalState_bhpn) <= bound, comment)
    }

    private func expectSameGradients(
        _ ours: ScanProbe, _ theirs: ScanProbe, _ bound: Double, _ comment: Comment
    ) throws {
        for (name, (a, b)) in zip(ours.names, zip(ours.leaves, theirs.leaves)) {
            let (gradient, expected) = (try #require(a.grad, "\(name)"), try #require(b.grad))
            let difference = try relativeDifference(gradient, expected)
            #expect(difference <= bound, "\(comment): the gradient of \(name) is off by \(difference)")
        }
    }

    @Test func aSequenceInTwoPiecesIsTheSequence() throws {
        let example = Case(length: 101, boundaries: false, initialState: true)
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
