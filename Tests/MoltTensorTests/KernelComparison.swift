import MoltTensor
import Testing

/// Compares an operator with the same computation in elementary operators and fp64: results and gradients.
struct KernelComparison {
    typealias Function = ([Tensor?]) throws -> [Tensor]

    /// The type in which the kernel gets its arguments.
    var dtype: DType
    /// Arguments that stay in fp32 whatever `dtype` is.
    var wide: Set<Int> = []
    var forwardTolerance: Double
    var gradientTolerance: Double

    /// √Σ(a − b)² / √Σb²
    static func distance(_ a: Tensor, _ b: Tensor) throws -> Double {
        let difference = try (a.to(.float64) - b.to(.float64)).norm().item()
        return try difference / max(b.to(.float64).norm().item(), 1e-300)
    }

    func type(_ index: Int) -> DType { wide.contains(index) && dtype != .float64 ? .float32 : dtype }

    /// Both see the same numbers: those that `dtype` can hold.
    func check(_ arguments: [Tensor?], kernel: Function, oracle: Function, _ comment: Comment) throws {
        let isFloating = arguments.map { $0.map { $0.dtype == .float64 } ?? false }
        let given = try arguments.indices.map { index throws -> Tensor? in
            guard isFloating[index] else { return arguments[index] }
            return try arguments[index]?.to(type(index)).clone().requiresGrad_()
        }
        let exact = try arguments.indices.map { index throws -> Tensor? in
            guard isFloating[index] else { return arguments[index] }
            return try given[index]?.detach().to(.float64).clone().requiresGrad_()
        }
        let (got, wanted) = (try kernel(given), try oracle(exact))
        #expect(!got.isEmpty && got.count == wanted.count, comment)
        for (got, wanted) in zip(got, wanted) {
            let distance = try Self.distance(got.detach(), wanted.detach())
            #expect(distance <= forwardTolerance, comment)
        }
        try compareGradients(got, given, wanted, exact, comment)
    }

    private func compareGradients(
        _ got: [Tensor], _ given: [Tensor?], _ wanted: [Tensor], _ exact: [Tensor?], _ comment: Comment
    ) throws {
        let weights = try wanted.map { try $0.detach().randnLike() }
        func loss(_ results: [Tensor]) throws -> Tensor {
            var sum = try Tensor.zeros([], dtype: .float64)
            for (result, weight) in zip(results, weights) { sum = try sum + (result.to(.float64) * weight).sum() }
            return sum
        }
        func leaves(_ tensors: [Tensor?]) -> [Tensor] { tensors.compactMap { $0 }.filter(\.requiresGrad) }
        let mine = try Tensor.gradients(of: [loss(got)], withRespectTo: leaves(given))
        let theirs = try Tensor.gradients(of: [loss(wanted)], withRespectTo: leaves(exact))
        #expect(!mine.isEmpty && mine.count == theirs.count, comment)
        for (index, pair) in zip(mine, theirs).enumerated() {
            let gradient = try #require(pair.0), expected = try #require(pair.1)
            let distance = try Self.distance(gradient, expected)
            #expect(distance <= gradientTolerance, "\(comment), gradient \(index)")
        }
    }
}
