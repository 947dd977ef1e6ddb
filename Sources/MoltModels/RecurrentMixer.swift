package import MoltNN
package import MoltTensor

/// Griffin's recurrent block (De et al. 2024, section 2.3):
///
///     out = linear_out(gelu(linear_y(u)) · RG-LRU(conv_1d(linear_x(u))))
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | linear_x.weight, linear_y.weight | [w, d] | uniform ±1/√d | yes |
/// | linear_out.weight | [d, w] | uniform ±1/√w, divided by √layers | yes |
/// | linear_{x,y,out}.bias | [w], [d] | 0 | no |
/// | conv_1d.weight | [w, 1, K] | normal, √(0.01/K) | yes |
/// | conv_1d.bias | [w] | 0 | no |
///
/// The RG-LRU's own are in `RGLRU`. The convolution has no activation.
package final class RecurrentMixer {
    package let linearX: Linear
    package let linearY: Linear
    package let conv: CausalConv1d
    package let recurrence: RGLRU
    package let linearOut: Linear

    package init(
        _ scope: ParameterScope, width: Int, recurrentWidth: Int, blocks: Int, taps: Int, outputGain: Double
    ) throws(TorchError) {
        linearX = try Linear(scope / "linear_x", width, recurrentWidth, bias: true)
        linearY = try Linear(scope / "linear_y", width, recurrentWidth, bias: true)
        linearOut = try Linear(
            scope / "linear_out", recurrentWidth, width, bias: true,
            initializer: .fanIn(recurrentWidth, gain: outputGain))
        conv = try CausalConv1d(
            scope / "conv_1d", channels: recurrentWidth, taps: taps, activates: false,
            weights: .normal(deviation: (0.01 / Double(taps)).squareRoot()), biases: .zeros)
        recurrence = try RGLRU(scope / "rg_lru", width: recurrentWidth, blocks: blocks)
    }

    /// What one sequence leaves.
    var memory: PrefixState.Shapes {
        let width = linearX.outputs
        return PrefixState.Shapes(state: [width], tail: [width, conv.taps - 1])
    }

    package func callAsFunction(
        _ u_bsd: Tensor, _ context: SequenceContext, state: RecurrentState? = nil
    ) throws(TorchError) -> Tensor {
        let gate = try linearY(u_bsd).gelu(tanh: true)
        let convolved = try conv(linearX(u_bsd), sequenceIndex: context.documents, tail: state?.tail)
        let scanned = try recurrence(convolved.y_bsc, documents: context.documents, state: state?.state)
        state?.advance(tail: convolved.tail_bck, state: scanned.state_bw)
        return try linearOut(scanned.y_bsw * gate)
    }
}
