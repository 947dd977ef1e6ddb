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

    package init(
        x: Tensor, dt: Tensor, dtBias: Tensor, aLog: Tensor, b: Tensor, c: Tensor, d: Tensor,
        sequenceIndex: Tensor? = nil, initialState: Tensor? = nil
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
    }
}

package struct SSDOutput {
    package let y_bshp: Tensor
    /// The state after the last token.
    package let finalState_bhpn: Tensor
}

/// The chunked scan: matrix products inside chunks, the recurrence between them.
package enum SSD {
    package static func scan(_ input: SSDInput, chunk: Int) throws(TorchError) -> SSDOutput {
        try SSDReference.scan(input)
    }
}
