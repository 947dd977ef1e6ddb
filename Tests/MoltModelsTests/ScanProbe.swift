import MoltModels
import MoltTensor
import MoltTesting
import Testing

/// Inputs of a scan by formula, with gradients wanted of all of them.
struct ScanProbe {
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
    func tokens(_ start: Int, _ count: Int) throws -> SSDInput {
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
func relativeDifference(_ ours: Tensor, _ theirs: Tensor) throws -> Double {
    #expect(ours.shape == theirs.shape)
    let scale = try theirs.to(.float64).abs().max().item()
    return try maximumDifference(ours, theirs) / max(scale, 1e-6)
}
