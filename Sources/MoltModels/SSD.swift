import MoltNN
package import MoltTensor

/// What one scan reads; the letters are those of `SSDReference`.
package struct SSDInput {
    package var x_bshp: Tensor
    /// Before the bias and softplus.
    package var dt_bsh: Tensor
    package var dtBias_h: Tensor
    package var aLog_h: Tensor
    package var b_bsgn: Tensor
    package var c_bsgn: Tensor
    package var d_h: Tensor
    /// Which document each token belongs to; nil when there is one.
    package var sequenceIndex_bs: Tensor?
    /// The state left by what came before, fp32.
    package var initialState_bhpn: Tensor?
    /// Bounds of the step after softplus.
    package var stepMinimum: Double
    package var stepMaximum: Double?

    package init(
        x: Tensor, dt: Tensor, dtBias: Tensor, aLog: Tensor, b: Tensor, c: Tensor, d: Tensor,
        sequenceIndex: Tensor? = nil, initialState: Tensor? = nil, stepMinimum: Double = 0, stepMaximum: Double? = nil
    ) {
        x_bshp = x
        dt_bsh = dt
        dtBias_h = dtBias
        aLog_h = aLog
        b_bsgn = b
        c_bsgn = c
        d_h = d
        sequenceIndex_bs = sequenceIndex
        initialState_bhpn = initialState
        self.stepMinimum = stepMinimum
        self.stepMaximum = stepMaximum
    }
}

package struct SSDOutput {
    package let y_bshp: Tensor
    /// The state after the last token.
    package let finalState_bhpn: Tensor
}

/// The chunked scan: matrix products inside chunks, the recurrence between them (Dao and Gu 2024, section 6).
package enum SSD {
    private static let operation = Operator("molt::ssd")

    /// States and decays are in fp32 whatever the type of x, B and C, in fp64 when that is theirs. The result does not
    /// depend on `chunk` but for rounding.
    package static func scan(_ input: SSDInput, chunk: Int) throws(TorchError) -> SSDOutput {
        guard input.x_bshp.hasKernels else {
            // A chunk is filled up with zeros: a token of generation needs none.
            return try SSDMatrixForm.scan(input, chunk: max(1, min(chunk, input.x_bshp.size(1))))
        }
        let (dt_bsh, a_h) = try input.stepAndDecay()
        let results = try operation.results(
            input.x_bshp, dt_bsh, a_h, input.b_bsgn, input.c_bsgn, input.d_h, input.initialState_bhpn,
            input.sequenceIndex_bs, chunk)
        return SSDOutput(y_bshp: try results.tensor(0), finalState_bhpn: try results.tensor(1))
    }
}

extension SSDInput {
    /// Δ = softplus(dt + dt_bias), held in its bounds, and A = −exp(A_log), in fp32 at least.
    func stepAndDecay() throws(TorchError) -> (dt_bsh: Tensor, a_h: Tensor) {
        let wide: DType = x_bshp.dtype == .float64 ? .float64 : .float32
        var step_bsh = try (dt_bsh.to(wide) + dtBias_h).softplus()
        if stepMinimum > 0 || stepMaximum != nil { step_bsh = try step_bsh.clamp(min: stepMinimum, max: stepMaximum) }
        return (step_bsh, try -aLog_h.to(wide).exp())
    }
}
