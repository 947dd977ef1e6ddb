import MoltNN
package import MoltTensor

/// The state-space duality layer as the recurrence that defines it, one token after the other.
///
/// Glossary: b batch, s sequence, h heads, p channels a head, g groups, n state size; head h reads group h·g/H.
///
///     Δ_t = softplus(dt_t + dt_bias)
///     H_t = exp(Δ_t A) H_{t−1} + Δ_t x_t B_tᵀ      H_{t−1} := 0 where a document starts
///     y_t = H_t C_t + D x_t
///
/// with A = −exp(A_log) one number a head. It runs in the type of its input (fp64 in tests) and is differentiated by
/// autograd: slow, plain, and what the chunked operator is compared with.
package enum SSDReference {
    package static func scan(_ input: SSDInput) throws(TorchError) -> SSDOutput {
        let length = input.x_bshp.shape[1], heads = input.x_bshp.shape[2], groups = input.b_bsgn.shape[2]
        let (dt_bsh, a_h) = try input.stepAndDecay()
        let decay_bsh = try (dt_bsh * a_h).exp()
        let b_bshn = try input.b_bsgn.repeatInterleave(heads / groups, dim: 2)
        let c_bshn = try input.c_bsgn.repeatInterleave(heads / groups, dim: 2)
        var state_bhpn = try firstState(input)
        var outputs: [Tensor] = []
        for t in 0..<length {
            let x_bhp = try input.x_bshp.select(1, t)
            var decay_bh = try decay_bsh.select(1, t)
            if t > 0, let index_bs = input.sequenceIndex_bs {
                let same_b = try index_bs.select(1, t) .== index_bs.select(1, t - 1)
                decay_bh = try decay_bh * same_b.unsqueeze(-1).to(decay_bh.dtype)
            }
            let write_bhp = try x_bhp * dt_bsh.select(1, t).unsqueeze(-1)
            let kept = try state_bhpn * decay_bh.unsqueeze(-1).unsqueeze(-1)
            state_bhpn = try kept + write_bhp.unsqueeze(-1) * b_bshn.select(1, t).unsqueeze(-2)
            let read_bhp = try (state_bhpn * c_bshn.select(1, t).unsqueeze(-2)).sum([-1])
            outputs.append(try read_bhp + x_bhp * input.d_h.unsqueeze(-1))
        }
        return SSDOutput(y_bshp: try Tensor.stack(outputs, dim: 1), finalState_bhpn: state_bhpn)
    }

    private static func firstState(_ input: SSDInput) throws(TorchError) -> Tensor {
        if let state = input.initialState_bhpn { return state }
        let x = input.x_bshp.shape
        return try Tensor.zeros([x[0], x[2], x[3], input.b_bsgn.size(3)], like: input.x_bshp)
    }
}
