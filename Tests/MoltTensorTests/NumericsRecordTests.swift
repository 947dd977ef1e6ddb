import FoundationEssentials
import MoltTensor
import Testing

/// The choice of libraries belongs to the process, so what changes it runs in a process of its own.
struct NumericsRecordTests {
    static let choices = [
        NumericsRecord.Matmul(.mkl), NumericsRecord.Matmul(.onednn),
        NumericsRecord.Matmul(forward: .mkl, inputGradient: .onednn, weightGradient: .mkl),
    ]

    private struct Layer {
        let output: [Float]
        let gradients: [[Float]]

        /// A layer with inputs of rank 3, both ways.
        init(_ choice: NumericsRecord.Matmul, bias hasBias: Bool = true) throws {
            choice.apply()
            let input = try Self.values([5, 7, 33], 0.7).requiresGrad_()
            let weight = try Self.values([65, 33], 1.3).requiresGrad_()
            let bias = hasBias ? try Self.values([65], 0.2).requiresGrad_() : nil
            let result = try input.linear(weight, bias)
            try result.backward(Self.values([5, 7, 65], 2.1))
            output = try result.array()
            gradients = try [input, weight, bias].compactMap { try $0?.grad?.array(of: Float.self) }
        }

        /// Numbers that look random and depend on nothing.
        private static func values(_ shape: [Int], _ frequency: Double) throws -> Tensor {
            let count = shape.reduce(1, *)
            return try (Tensor.arange(to: count, dtype: .float32) * frequency).sin().reshape(shape)
        }
    }

    @Test(arguments: choices, [true, false])
    func everyLibraryGivesTheSameLayer(choice: NumericsRecord.Matmul, bias: Bool) async throws {
        await #expect(processExitsWith: .success) { [choice = choice as NumericsRecord.Matmul, bias = bias as Bool] in
            let expected = try Layer(NumericsRecord.Matmul(.mkl), bias: bias)
            let found = try Layer(choice, bias: bias)
            #expect(found.gradients.count == (bias ? 3 : 2))
            let pairs = zip([expected.output] + expected.gradients, [found.output] + found.gradients)
            for (a, b) in pairs {
                #expect(a.count == b.count)
                #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 2e-5 * max(1, abs($0)) })
            }
        }
    }

    @Test(arguments: choices)
    func equalRecordsGiveEqualBits(choice: NumericsRecord.Matmul) async throws {
        await #expect(processExitsWith: .success) { [choice = choice as NumericsRecord.Matmul] in
            let first = try Layer(choice)
            let second = try Layer(choice)
            #expect(first.output.map(\.bitPattern) == second.output.map(\.bitPattern))
            #expect(first.gradients.map { $0.map(\.bitPattern) } == second.gradients.map { $0.map(\.bitPattern) })
        }
    }

    @Test func gradientsOfGradientsPassThroughOneDNN() async throws {
        await #expect(processExitsWith: .success) {
            NumericsRecord.Matmul(.onednn).apply()
            let input = try Tensor([1 as Float, 2], shape: [1, 2]).requiresGrad_()
            let weight = try Tensor([3 as Float, 4], shape: [1, 2]).requiresGrad_()
            // With y = xw = 11: |dy²/dx|² = 4 y² |w|², and its derivative by w is
            // 8 y |w|² x + 8 y² w = 2200 x + 968 w.
            let slope = try #require(
                Tensor.gradients(of: [input.linear(weight).square()], withRespectTo: [input], createGraph: true)[0])
            let second = try #require(Tensor.gradients(of: [slope.square().sum()], withRespectTo: [weight])[0])
            let expected: [Float] = [5_104, 8_272]
            #expect(try second.array(of: Float.self) == expected)
        }
    }

    @Test func recordsSurviveJSON() throws {
        let record = NumericsRecord.current(autocast: .bfloat16)
        let decoded = try JSONDecoder().decode(NumericsRecord.self, from: JSONEncoder().encode(record))
        #expect(decoded == record)
        #expect(decoded.autocast == "bfloat16")
    }

    @Test func measuringLeavesTheProcessAsItWas() async throws {
        await #expect(processExitsWith: .success) {
            let before = NumericsRecord.current()
            let random = try RandomState.save()
            let record = try NumericsRecord.measure(threads: before.threads)
            #expect(try RandomState.save() == random)
            #expect(NumericsRecord.current() == before)
            #expect(try record.apply() == [])
            #expect(NumericsRecord.current() == record)
        }
    }

    @Test func whatCannotBeObeyedIsSaid() throws {
        var record = NumericsRecord.current()
        record.instructionSet = "VSX"
        record.torchVersion = "1.0.0"
        var differences = try record.apply()
        #expect(differences.count == 2)
        #expect(differences.last == "instruction set VSX at the start, \(Torch.instructionSet) here")
        record = NumericsRecord.current()
        record.kernels = "vsx"
        record.nativeBfloat?.toggle()
        differences = try record.apply()
        #expect(differences.count == 1)
        #expect(differences.first?.hasPrefix("kernels for vsx at the start") == true)
        record.kernels = nil
        record.autocast = "bfloat16"
        #expect(try record.apply().first?.hasPrefix("bfloat16 products") == true)
    }
}
