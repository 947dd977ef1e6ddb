import MoltTensor
import MoltTesting
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

    /// What the elementary operators say of arguments that both sides see as `dtype` can hold them.
    struct Expectation {
        let given: [Tensor?]
        let results: [Tensor]
        /// The loss is the sum of the results, each element with its weight.
        let weights: [Tensor]
        let gradients: [Tensor]
    }

    func expect(_ arguments: [Tensor?], oracle: Function) throws -> Expectation {
        let isFloating = arguments.map { $0.map { $0.dtype == .float64 } ?? false }
        let given = try arguments.indices.map { index throws -> Tensor? in
            guard isFloating[index] else { return arguments[index] }
            return try arguments[index]?.to(type(index)).clone().requiresGrad_()
        }
        let exact = try arguments.indices.map { index throws -> Tensor? in
            guard isFloating[index] else { return arguments[index] }
            return try given[index]?.detach().to(.float64).clone().requiresGrad_()
        }
        let results = try oracle(exact)
        let weights = try results.enumerated().map { index, result in
            try Tensor(SyntheticNumbers.uniform("weights \(index)", result.count), shape: result.shape)
        }
        return Expectation(
            given: given, results: try results.map { try $0.detach() }, weights: weights,
            gradients: try gradients(results, weights, exact).map { try #require($0) })
    }

    func check(_ kernel: Function, gives expected: Expectation, _ comment: Comment) throws {
        let results = try kernel(expected.given)
        #expect(!results.isEmpty && results.count == expected.results.count, comment)
        for (result, wanted) in zip(results, expected.results) {
            let distance = try Self.distance(result.detach(), wanted)
            #expect(distance <= forwardTolerance, comment)
        }
        let found = try gradients(results, expected.weights, expected.given)
        #expect(!found.isEmpty && found.count == expected.gradients.count, comment)
        for (index, pair) in zip(found, expected.gradients).enumerated() {
            let distance = try Self.distance(#require(pair.0), pair.1)
            #expect(distance <= gradientTolerance, "\(comment), gradient \(index)")
        }
    }

    func check(_ arguments: [Tensor?], kernel: Function, oracle: Function, _ comment: Comment) throws {
        try check(kernel, gives: expect(arguments, oracle: oracle), comment)
    }

    private func gradients(
        _ results: [Tensor], _ weights: [Tensor], _ arguments: [Tensor?]
    ) throws -> [Tensor?] {
        var loss = try Tensor.zeros([], dtype: .float64)
        for (result, weight) in zip(results, weights) { loss = try loss + (result.to(.float64) * weight).sum() }
        let leaves = arguments.compactMap { $0 }.filter(\.requiresGrad)
        return try Tensor.gradients(of: [loss], withRespectTo: leaves)
    }
}
