import MoltModels
import MoltTensor
import MoltTesting
import Testing

/// Mamba-1's fused scan against the recurrence as it is written.
struct SelectiveScanTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let length: Int
        let width: Int
        let state: Int
        let documents: Bool
        let initial: Bool
        var testDescription: String {
            "\(length) × \(width) × \(state)\(documents ? ", documents" : "")\(initial ? ", state" : "")"
        }
    }

    static let cases = [
        Case(length: 1, width: 1, state: 1, documents: false, initial: false),
        Case(length: 65, width: 3, state: 16, documents: false, initial: true),
        Case(length: 70, width: 65, state: 5, documents: true, initial: true),
        Case(length: 130, width: 20, state: 7, documents: true, initial: false),
    ]

    private struct Probe {
        let input: SelectiveInput
        let leaves: [Tensor]

        init(_ example: Case, _ dtype: DType) throws {
            func leaf(_ name: String, _ shape: [Int], center: Double = 0, spread: Double = 1) throws -> Tensor {
                let values = SyntheticNumbers.uniform(name, shape.reduce(1, *)).map { center + spread * $0 }
                let tensor = try Tensor(values, shape: shape).to(dtype)
                try tensor.requiresGrad_(true)
                return tensor
            }
            let (s, d, n) = (example.length, example.width, example.state)
            var leaves = [
                try leaf("x", [2, s, d]), try leaf("step", [2, s, d], center: 0.3, spread: 0.29),
                try leaf("a", [d, n], center: -2, spread: 1.9), try leaf("b", [2, s, n]), try leaf("c", [2, s, n]),
                try leaf("d", [d]),
            ]
            if example.initial { leaves.append(try leaf("state", [2, d, n])) }
            let starts = [[3, 64, 65], [1, 69, 100]]
            let index = starts.flatMap { row in (0..<s).map { place in Int32(row.count { $0 <= place }) } }
            self.leaves = leaves
            input = SelectiveInput(
                x: leaves[0], step: leaves[1], a: leaves[2], b: leaves[3], c: leaves[4], d: leaves[5],
                documents: example.documents ? try Tensor(index, shape: [2, s]) : nil,
                state: example.initial ? leaves[6] : nil)
        }

        func backward(_ result: (y_bsd: Tensor, state_bdn: Tensor)) throws {
            func weighted(_ name: String, _ tensor: Tensor) throws -> Tensor {
                try (tensor * Tensor(SyntheticNumbers.uniform(name, tensor.count), shape: tensor.shape)).sum()
            }
            try (weighted("dy", result.y_bsd.to(.float64)) + weighted("ds", result.state_bdn.to(.float64))).backward()
        }
    }

    @Test(arguments: cases, [DType.float64, .float32])
    func theFusedScanEqualsItsDefinition(_ example: Case, _ dtype: DType) throws {
        let (fast, plain) = (try Probe(example, dtype), try Probe(example, .float64))
        let (ours, theirs) = (try SelectiveScan.scan(fast.input), try SelectiveReference.scan(plain.input))
        let bound = dtype == .float64 ? 1e-12 : 5e-6
        #expect(try maximumDifference(ours.y_bsd, theirs.y_bsd) <= bound)
        #expect(try maximumDifference(ours.state_bdn, theirs.state_bdn) <= bound)
        try fast.backward(ours)
        try plain.backward(theirs)
        for (index, (a, b)) in zip(fast.leaves, plain.leaves).enumerated() {
            let (mine, truth) = (try #require(a.grad).to(.float64), try #require(b.grad))
            let relative = try (mine - truth).norm().item() / max(truth.norm().item(), 1e-9)
            #expect(relative <= (dtype == .float64 ? 1e-12 : 3e-6), "input \(index) by \(relative)")
        }
    }
}
