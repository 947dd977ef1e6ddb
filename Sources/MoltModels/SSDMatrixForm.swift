import MoltNN
package import MoltTensor

/// The chunked scan in plain operators, for devices without the fused one; differentiated by autograd.
///
/// With s_t the sum of Δ A up to t inside a chunk of Q tokens, E_i = e^{s_i} and F_j = e^{s_Q − s_j}:
///
///     y_i = Σ_{j ≤ i} C_i·B_j e^{s_i − s_j} Δ_j x_j + E_i C_i H + D x_i        H: the state entering the chunk
///     H'  = e^{s_Q} H + Σ_j F_j Δ_j x_j B_jᵀ
///
/// A document boundary cuts the sums: pairs of two documents, the entering state after the first boundary of a
/// chunk, and writes before the last one, all count for nothing. Letters as in `SSDReference`; c chunks, q and k
/// tokens in one.
package enum SSDMatrixForm {
    /// In fp32 under autocast too, whose products would round states to its type.
    package static func scan(_ input: SSDInput, chunk: Int) throws(TorchError) -> SSDOutput {
        try autocast(nil, on: input.x_bshp.device) { () throws(TorchError) in try wideScan(input, chunk: chunk) }
    }

    private static func wideScan(_ input: SSDInput, chunk: Int) throws(TorchError) -> SSDOutput {
        let wide: DType = input.x_bshp.dtype == .float64 ? .float64 : .float32
        let length = input.x_bshp.size(1), groupHeads = input.x_bshp.size(2) / input.b_bsgn.size(2)
        let (dt_bsh, a_h) = try input.stepAndDecay()
        let x_bshp = try input.x_bshp.to(wide)
        let u_bchqp = try perChunk(x_bshp * dt_bsh.unsqueeze(-1), chunk)
        let b_bchqn = try perChunk(input.b_bsgn.to(wide), chunk).repeatInterleave(groupHeads, dim: 2)
        let c_bchqn = try perChunk(input.c_bsgn.to(wide), chunk).repeatInterleave(groupHeads, dim: 2)
        let s_bchq = try perChunk((dt_bsh * a_h).unsqueeze(-1), chunk).squeeze(-1).cumsum(-1)
        let last_bch1 = try s_bchq.narrow(-1, from: chunk - 1, length: 1)
        let masks = try Boundaries(input.sequenceIndex_bs, length: length, chunk: chunk, like: s_bchq)

        // Pairs inside a chunk.
        let exponent_bchqk = try (s_bchq.unsqueeze(-1) - s_bchq.unsqueeze(-2))
            .maskedFill(masks.hidden_qk, with: -Double.infinity)
        let score_bchqk = try c_bchqn.matmul(b_bchqn.transpose(-1, -2)) * exponent_bchqk.exp()
        var y_bchqp = try score_bchqk.matmul(u_bchqp)

        // What each chunk writes into the state, and the states that enter the chunks.
        let write_bchq = try (last_bch1 - s_bchq).exp() * masks.writes
        let written_bchpn = try u_bchqp.transpose(-1, -2).matmul(b_bchqn * write_bchq.unsqueeze(-1))
        let kept_bch = try (last_bch1.exp() * masks.keeps).squeeze(-1)
        var state_bhpn = try firstState(input, wide)
        var entering: [Tensor] = []
        for index in 0..<written_bchpn.size(1) {
            entering.append(state_bhpn)
            let kept_bh11 = try kept_bch.select(1, index).unsqueeze(-1).unsqueeze(-1)
            state_bhpn = try kept_bh11 * state_bhpn + written_bchpn.select(1, index)
        }
        let read_bchqp = try c_bchqn.matmul(Tensor.stack(entering, dim: 1).transpose(-1, -2))
        y_bchqp = try y_bchqp + read_bchqp * (s_bchq.exp() * masks.reads).unsqueeze(-1)

        let y_bshp = try y_bchqp.transpose(2, 3).flatten(from: 1, through: 2).narrow(1, from: 0, length: length)
        let skipped = try y_bshp + x_bshp * input.d_h.unsqueeze(-1)
        return SSDOutput(y_bshp: try skipped.to(input.x_bshp.dtype), finalState_bhpn: state_bhpn)
    }

    /// [b, s, h, e] as [b, c, h, q, e], with zeros after the end: no step, no write, no decay.
    private static func perChunk(_ x_bshe: Tensor, _ chunk: Int) throws(TorchError) -> Tensor {
        let shape = x_bshe.shape
        let chunks = (shape[1] + chunk - 1) / chunk
        let padded = try x_bshe.pad([0, 0, 0, 0, 0, chunks * chunk - shape[1]])
        return try padded.reshape([shape[0], chunks, chunk, shape[2], shape[3]]).transpose(2, 3)
    }

    private static func firstState(_ input: SSDInput, _ dtype: DType) throws(TorchError) -> Tensor {
        if let state = input.initialState_bhpn { return try state.to(dtype) }
        let x = input.x_bshp
        return try Tensor.zeros(
            [x.size(0), x.size(2), x.size(3), input.b_bsgn.size(3)], dtype: dtype, device: x.device)
    }
}

/// Where the sums of a chunk are cut.
private struct Boundaries {
    /// True for pairs that do not meet: a later key, or one of another document.
    let hidden_qk: Tensor
    /// One where a token's write reaches the end of its chunk, where it reads the entering state, and where the
    /// entering state outlives the chunk.
    let writes: Tensor
    let reads: Tensor
    let keeps: Tensor

    init(_ index_bs: Tensor?, length: Int, chunk: Int, like s_bchq: Tensor) throws(TorchError) {
        let later = try Tensor.ones([chunk, chunk], dtype: .bool, device: s_bchq.device).upperTriangle(diagonal: 1)
        guard let index_bs else {
            let one = try Tensor.scalar(1.0, dtype: s_bchq.dtype, device: s_bchq.device)
            (hidden_qk, writes, reads, keeps) = (later, one, one, one)
            return
        }
        // Documents numbered as they come; the padding belongs to the last.
        let changes = try index_bs.narrow(1, from: 1, length: length - 1)
            .!= index_bs.narrow(1, from: 0, length: length - 1)
        let batch = s_bchq.size(0), chunks = s_bchq.size(1)
        let number_bs = try changes.to(.int64).pad([1, chunks * chunk - length]).cumsum(1)
        let number_bc1q = try number_bs.reshape([batch, chunks, 1, chunk])
        let last_bc11 = try number_bc1q.narrow(-1, from: chunk - 1, length: 1)
        let before_bc11 = try last_bc11.narrow(1, from: 0, length: chunks - 1).pad([0, 0, 0, 0, 1, 0])
        hidden_qk = try later .| (number_bc1q.unsqueeze(-1) .!= number_bc1q.unsqueeze(-2))
        writes = try (number_bc1q .== last_bc11).to(s_bchq.dtype)
        reads = try (number_bc1q .== before_bc11).to(s_bchq.dtype)
        keeps = try (last_bc11 .== before_bc11).to(s_bchq.dtype)
    }
}
