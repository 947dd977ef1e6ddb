import FoundationEssentials
import MoltCore
import Testing

/// Numbers that nobody can have meant are answered like others.
struct BoundedTests {
    private static let sums: [(Int, Int, Int, Int)] = [
        (3, 4, 7, 12), (.max, 1, .max, .max), (.max, .max, .max, .max), (.min, -1, .min, .max),
        (.max, -1, .max - 1, -.max), (.min, 2, .min + 2, .min), (0, .min, .min, 0),
    ]

    /// Covers J7.
    @Test(arguments: sums)
    func sumsAndProductsStayWithinTheirType(_ a: Int, _ b: Int, _ sum: Int, _ product: Int) {
        #expect(a.plus(b) == sum && b.plus(a) == sum)
        #expect(a.times(b) == product && b.times(a) == product)
    }

    private static let numbers: [Double] = [
        .nan, .infinity, -.infinity, 1e300, -1e300, 9.3e18, -9.3e18, 9.9e14, -9.9e14, 1e15, 1e-300, -0.0,
    ]

    @Test(arguments: numbers)
    func everyNumberHasAText(_ number: Double) {
        #expect(!Durations.text(number).isEmpty && !Durations.slurmText(number).isEmpty)
        #expect(!Quantities.text(number).isEmpty && !Quantities.bytesText(number).isEmpty)
        for digits in 0...9 { #expect(!Decimals.text(number, digits: digits).isEmpty) }
    }

    @Test func whatCanBeNoCountOfAProgramsProgressIsLeftOut() throws {
        func event(_ json: String) throws -> RunEvent { try JSONDecoder().decode(RunEvent.self, from: Data(json.utf8)) }
        let odd = try event(
            #"{"t": 1e300, "step": -9223372036854775808, "steps": 9223372036854775807, "tokens": -1, "loss": -1e308}"#)
        #expect(odd.step == nil && odd.steps == nil && odd.tokens == nil)
        #expect(odd.loss == -1e308 && odd.at == 1e300)
        var whole = RunEvent(.saved, at: 2, step: 3, message: "m")
        (whole.steps, whole.tokens, whole.bytes, whole.seconds, whole.stall) = (4, 5, 6, 7, 8)
        (whole.loss, whole.validationLoss, whole.tokensPerSecond) = (9, 10, 11)
        (whole.learningRate, whole.gradientNorm, whole.phase) = (12, 13, .save)
        (whole.checkpoint, whole.sha256) = ("c", "s")
        #expect(try JSONDecoder().decode(RunEvent.self, from: JSONFile.encode(whole)) == whole)
    }
}
