import MoltTensor

/// The operators of `molt::` written out token by token in elementary operators.
enum KernelOracles {
    /// H_t = e^(dt A) H + dt x Bᵀ, y = H C + D x, with H forgotten where a document starts.
    static func ssd(_ argument: [Tensor?], documents: [[Int]]?) throws -> [Tensor] {
        guard let x = argument[0], let dt = argument[1], let a = argument[2], let b = argument[3], let c = argument[4]
        else { return [] }
        let (batch, heads, perGroup) = (x.size(0), x.size(2), x.size(2) / b.size(2))
        var state = try argument[6] ?? Tensor.zeros([batch, heads, x.size(3), b.size(3)], dtype: .float64)
        var outputs: [Tensor] = []
        for t in 0..<x.size(1) {
            let (x_bhp, dt_bh) = (try x.select(1, t), try dt.select(1, t))
            let b_bhn = try b.select(1, t).repeatInterleave(perGroup, dim: 1)
            let c_bhn = try c.select(1, t).repeatInterleave(perGroup, dim: 1)
            var decay = try (dt_bh * a).exp()
            if let documents, t > 0 {
                let kept = documents.map { $0[t] == $0[t - 1] ? 1.0 : 0.0 }
                decay = try decay * Tensor(kept, shape: [batch, 1])
            }
            let input = try (x_bhp * dt_bh.unsqueeze(-1)).unsqueeze(-1) * b_bhn.unsqueeze(2)
            state = try state * decay.unsqueeze(-1).unsqueeze(-1) + input
            var y = try (state * c_bhn.unsqueeze(2)).sum(-1)
            if let d = argument[5] { y = try y + x_bhp * d.unsqueeze(-1) }
            outputs.append(y)
        }
        return [try Tensor.stack(outputs, dim: 1), state]
    }

    /// Arguments x [b, s, c], weight [c, k], bias, initial state [b, c, k − 1].
    static func convolution(_ argument: [Tensor?], documents: [[Int]]?, silu: Bool) throws -> [Tensor] {
        guard let x = argument[0], let weight = argument[1] else { return [] }
        let (batch, length, channels, taps) = (x.size(0), x.size(1), x.size(2), weight.size(1))
        let before = try argument[3]?.transpose(1, 2) ?? Tensor.zeros([batch, taps - 1, channels], dtype: .float64)
        let padded = try Tensor.cat([before, x], dim: 1)
        func document(_ b: Int, _ position: Int) -> Int {
            guard let documents else { return 0 }
            return (0...max(position, 0)).dropFirst().count { documents[b][$0] != documents[b][$0 - 1] }
        }
        func mask(_ back: (Int) -> Int, of token: (Int) -> Int, _ count: Int) throws -> Tensor {
            let same = (0..<batch).flatMap { b in
                (0..<count).map { document(b, back($0)) == document(b, token($0)) ? 1.0 : 0.0 }
            }
            return try Tensor(same, shape: [batch, count, 1])
        }
        var sum = try Tensor.zeros([batch, length, channels], dtype: .float64)
        for tap in 0..<taps {
            let seen = try mask({ $0 + tap - taps + 1 }, of: { $0 }, length)
            sum = try sum + padded.narrow(1, from: tap, length: length) * seen * weight.select(1, tap)
        }
        if let bias = argument[2] { sum = try sum + bias }
        let kept = try mask({ length + $0 - taps + 1 }, of: { _ in length - 1 }, taps - 1)
        let final = try (padded.narrow(1, from: length, length: taps - 1) * kept).transpose(1, 2)
        return [silu ? try sum.silu() : sum, final]
    }

    /// Arguments x, gate or nil, weight.
    static func norm(_ argument: [Tensor?], group: Int, epsilon: Double) throws -> [Tensor] {
        guard var x = argument[0], let weight = argument[2] else { return [] }
        if let gate = argument[1] { x = try x * gate.silu() }
        let groups = try x.reshape([x.size(0), x.size(1) / group, group])
        let scale = try (groups.square().mean(-1, keepDim: true) + epsilon).rsqrt()
        return [try (groups * scale).reshape(x.shape) * weight]
    }

    /// Arguments hidden, weight, loss weights or nil.
    static func crossEntropy(_ argument: [Tensor?], targets: [Int]) throws -> [Tensor] {
        guard let hidden = argument[0], let weight = argument[1] else { return [] }
        let logs = try hidden.matmul(weight.transpose(0, 1)).logSoftmax(-1)
        let wanted = try Tensor(targets.map { max($0, 0) }, shape: [targets.count, 1])
        let counted = try Tensor(targets.map { $0 < 0 ? 0.0 : -1.0 }, shape: [targets.count])
        var losses = try logs.gather(1, wanted).squeeze(1) * counted
        if let weights = argument[2] { losses = try losses * weights }
        return [try losses.sum()]
    }
}
