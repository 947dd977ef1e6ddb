import MoltNN
import MoltTensor
import MoltTesting
import Testing

/// The fused recurrence against the recurrence as it is written, in fp64 and with gradients of everything.
struct RGLRUTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let length: Int
        let width: Int
        let documents: Bool
        let state: Bool
        var testDescription: String {
            "\(length) × \(width)\(documents ? ", documents" : "")\(state ? ", state" : "")"
        }
    }

    static let cases = [
        Case(length: 1, width: 3, documents: false, state: false),
        Case(length: 1, width: 70, documents: false, state: true),
        Case(length: 33, width: 65, documents: false, state: false),
        Case(length: 33, width: 130, documents: true, state: true),
        Case(length: 40, width: 64, documents: true, state: false),
    ]

    /// Inputs by formula, with gradients wanted of all of them.
    private struct Probe {
        let input: RGLRUInput
        let leaves: [Tensor]

        init(_ example: Case, _ dtype: DType) throws {
            func leaf(_ name: String, _ shape: [Int], center: Double = 0, spread: Double = 1) throws -> Tensor {
                let values = SyntheticNumbers.uniform(name, shape.reduce(1, *)).map { center + spread * $0 }
                let tensor = try Tensor(values, shape: shape).to(dtype)
                try tensor.requiresGrad_(true)
                return tensor
            }
            let shape = [2, example.length, example.width]
            var leaves = [
                try leaf("x", shape), try leaf("input", shape, spread: 2), try leaf("recurrent", shape, spread: 4),
                try leaf("decay", [example.width], center: -4, spread: 3),
            ]
            if example.state { leaves.append(try leaf("state", [2, example.width])) }
            let starts = [[3, 4, 20], [1, 32]]
            let index = starts.flatMap { row in
                (0..<example.length).map { place in Int32(row.count { $0 <= place }) }
            }
            self.leaves = leaves
            input = RGLRUInput(
                x_bsw: leaves[0], inputGate_bsw: leaves[1], recurrentGate_bsw: leaves[2], decay_w: leaves[3],
                documents_bs: example.documents ? try Tensor(index, shape: [2, example.length]) : nil,
                state_bw: example.state ? leaves[4] : nil)
        }

        func backward(_ result: (y_bsw: Tensor, state_bw: Tensor)) throws {
            func weighted(_ name: String, _ tensor: Tensor) throws -> Tensor {
                try (tensor * Tensor(SyntheticNumbers.uniform(name, tensor.count), shape: tensor.shape)).sum()
            }
            let y = try weighted("dy", result.y_bsw.to(.float64))
            try (y + weighted("dstate", result.state_bw.to(.float64))).backward()
        }
    }

    private static let operation = Operator("molt::rg_lru")

    private static func fused(_ input: RGLRUInput) throws -> (y_bsw: Tensor, state_bw: Tensor) {
        let results = try operation.results(
            input.x_bsw, input.inputGate_bsw, input.recurrentGate_bsw, input.decay_w, input.documents_bs,
            input.state_bw)
        return (try results.tensor(0), try results.tensor(1))
    }

    @Test(arguments: cases, [DType.float64, .float32])
    func theFusedRecurrenceEqualsItsDefinition(_ example: Case, _ dtype: DType) throws {
        let (fast, plain) = (try Probe(example, dtype), try Probe(example, .float64))
        let (ours, theirs) = (try Self.fused(fast.input), try RGLRUReference.scan(plain.input))
        let bound = dtype == .float64 ? 1e-13 : 2e-6
        #expect(try (ours.y_bsw.to(.float64) - theirs.y_bsw).abs().max().item() <= bound)
        #expect(try (ours.state_bw.to(.float64) - theirs.state_bw).abs().max().item() <= bound)
        try fast.backward(ours)
        try plain.backward(theirs)
        for (index, (a, b)) in zip(fast.leaves, plain.leaves).enumerated() {
            // With one token and no state before it, nothing depends on the recurrent gate and the decay.
            let (mine, truth) = (try #require(a.grad).to(.float64), try b.grad ?? b.zerosLike())
            let relative = try (mine - truth).norm().item() / max(truth.norm().item(), 1e-9)
            #expect(relative <= (dtype == .float64 ? 1e-12 : 3e-6), "input \(index) by \(relative)")
        }
    }

    @Test func gradientsEqualFiniteDifferences() throws {
        let example = Case(length: 7, width: 2, documents: true, state: true)
        let probe = try Probe(example, .float64)
        try probe.backward(Self.fused(probe.input))
        func value(_ probe: Probe) throws -> Double {
            let result = try Self.fused(probe.input)
            let dy = try Tensor(SyntheticNumbers.uniform("dy", result.y_bsw.count), shape: result.y_bsw.shape)
            let ds = try Tensor(SyntheticNumbers.uniform("dstate", result.state_bw.count), shape: result.state_bw.shape)
            return try ((result.y_bsw * dy).sum() + (result.state_bw * ds).sum()).item()
        }
        for (index, leaf) in probe.leaves.enumerated() {
            let gradient = try #require(leaf.grad).flatten()
            for place in 0..<leaf.count {
                func moved(_ step: Double) throws -> Double {
                    let other = try Probe(example, .float64)
                    try noGrad { () throws(TorchError) in
                        let element = try other.leaves[index].flatten().narrow(0, from: place, length: 1)
                        _ = try element.copy_(element + step)
                    }
                    return try value(other)
                }
                let slope = try (moved(1e-5) - moved(-1e-5)) / 2e-5
                let ours = try gradient[place].item()
                #expect(abs(ours - slope) <= 1e-8 * max(1, abs(slope)), "input \(index) at \(place)")
            }
        }
    }

    @Test func nearAStandstillTheDerivativeStaysBounded() throws {
        // r ≈ 0 makes a = 1 and the root 0: its own derivative has no bound.
        let x = try Tensor([Double](repeating: 1, count: 2), shape: [1, 2, 1])
        let gate = try Tensor([Double](repeating: -60, count: 2), shape: [1, 2, 1])
        let decay = try Tensor([-20.0], shape: [1])
        try gate.requiresGrad_(true)
        let input = RGLRUInput(
            x_bsw: x, inputGate_bsw: try x.zerosLike(), recurrentGate_bsw: gate, decay_w: decay,
            state_bw: try Tensor([0.0], shape: [1, 1]))
        try Self.fused(input).y_bsw.sum().backward()
        #expect(try #require(gate.grad).allFinite())
    }

    @Test func aSequenceInPiecesIsTheSequence() throws {
        let unit = try RGLRU(ParameterRegistry().root / "rg_lru", width: 12, blocks: 3)
        let x = try Tensor(SyntheticNumbers.uniform("x", 2 * 20 * 12).map(Float.init), shape: [2, 20, 12])
        let whole = try unit(x)
        var state: Tensor?, pieces: [Tensor] = []
        for (start, count) in [(0, 1), (1, 6), (7, 13)] {
            let piece = try unit(x.narrow(1, from: start, length: count), state: state)
            pieces.append(piece.y_bsw)
            state = piece.state_bw
        }
        #expect(try (Tensor.cat(pieces, dim: 1) - whole.y_bsw).abs().max().item() <= 1e-6)
        #expect(try (#require(state) - whole.state_bw).abs().max().item() <= 1e-6)
    }

    @Test func firstDecaysAreThoseOfTheirLaw() throws {
        let unit = try RGLRU(ParameterRegistry().root / "rg_lru", width: 4096, blocks: 4)
        // a = e^(−softplus(Λ)); a² uniform in [0.9², 0.999²].
        let square = try (unit.decay.value.to(.float64).softplus() * -2.0).exp()
        let (low, high) = (0.81, 0.998_001)
        #expect(try abs(square.mean().item() - (low + high) / 2) <= 4 * (high - low) / 12.0.squareRoot() / 64)
        #expect(try square.min().item() >= low - 1e-6)
        #expect(try square.max().item() <= high + 1e-6)
    }
}
