import MoltNN
package import MoltTensor

/// Mamba-1's scan (Gu and Dao 2023, section 3.2), b batch, s sequence, d channels, n state size:
///
///     h_t = exp(Δ_t A) h_{t−1} + Δ_t x_t B_t        h_{t−1} := 0 where a document starts
///     y_t = C_t · h_t + D x_t
///
/// with a state for every channel. Δ is after its softplus, A negative. States are in fp32, in fp64 when x is.
package struct SelectiveInput {
    package var x_bsd: Tensor
    package var step_bsd: Tensor
    package var a_dn: Tensor
    package var b_bsn: Tensor
    package var c_bsn: Tensor
    package var d_d: Tensor
    package var documents_bs: Tensor?
    package var state_bdn: Tensor?

    package init(
        x: Tensor, step: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, documents: Tensor? = nil,
        state: Tensor? = nil
    ) {
        x_bsd = x
        step_bsd = step
        a_dn = a
        b_bsn = b
        c_bsn = c
        d_d = d
        documents_bs = documents
        state_bdn = state
    }
}

package enum SelectiveScan {
    private static let operation = Operator("molt::selective_scan")

    package static func scan(_ input: SelectiveInput) throws(TorchError) -> (y_bsd: Tensor, state_bdn: Tensor) {
        guard input.x_bsd.hasKernels else { return try SelectiveReference.scan(input) }
        let results = try operation.results(
            input.x_bsd, input.step_bsd, input.a_dn, input.b_bsn, input.c_bsn, input.d_d, input.documents_bs,
            input.state_bdn)
        return (try results.tensor(0), try results.tensor(1))
    }
}

/// The recurrence as it is written, one token after the other: what the fused operator is compared with.
package enum SelectiveReference {
    package static func scan(_ input: SelectiveInput) throws(TorchError) -> (y_bsd: Tensor, state_bdn: Tensor) {
        let wide: DType = input.x_bsd.dtype == .float64 ? .float64 : .float32
        let (x, step) = (try input.x_bsd.to(wide), try input.step_bsd.to(wide))
        let (b, c, a) = (try input.b_bsn.to(wide), try input.c_bsn.to(wide), try input.a_dn.to(wide))
        var state =
            if let state = input.state_bdn {
                try state.to(wide)
            } else {
                try Tensor.zeros([x.size(0), x.size(2), a.size(1)], dtype: wide, device: x.device)
            }
        var outputs: [Tensor] = []
        for t in 0..<x.size(1) {
            let (x_bd, step_bd) = (try x.select(1, t), try step.select(1, t))
            var decay_bdn = try (step_bd.unsqueeze(-1) * a).exp()
            if t > 0, let documents = input.documents_bs {
                let same_b = try documents.select(1, t) .== documents.select(1, t - 1)
                decay_bdn = try decay_bdn * same_b.unsqueeze(-1).unsqueeze(-1).to(wide)
            }
            state = try decay_bdn * state + (step_bd * x_bd).unsqueeze(-1) * b.select(1, t).unsqueeze(1)
            outputs.append(try (state * c.select(1, t).unsqueeze(1)).sum(-1) + x_bd * input.d_d)
        }
        return (try Tensor.stack(outputs, dim: 1).to(input.x_bsd.dtype), state)
    }
}
