package import MoltNN
package import MoltTensor

/// The Mamba mixer (Gu and Dao 2023, figure 3):
///
///     x, z     = in_proj(u)
///     x        = silu(conv1d(x))
///     dt, B, C = x_proj(x)
///     y        = scan(x, softplus(dt_proj(dt)), A = −exp(A_log), B, C, D)
///     out      = out_proj(y · silu(z))
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | in_proj.weight | [2·inner, d] | uniform ±1/√d | yes |
/// | conv1d.weight, conv1d.bias | [inner, 1, K], [inner] | uniform ±1/√K | yes, no |
/// | x_proj.weight | [rank + 2·n, inner] | uniform ±1/√inner | yes |
/// | dt_proj.weight | [inner, rank] | uniform ±1/√rank | yes |
/// | dt_proj.bias | [inner] | softplus⁻¹ of log-uniform in [0.001, 0.1], at least 0.0001 | no |
/// | A_log | [inner, n] | ln(1), ln(2), … ln(n) | no |
/// | D | [inner] | 1 | no |
/// | out_proj.weight | [d, inner] | uniform ±1/√inner, divided by √(layers of the model) | yes |
package final class Mamba1Mixer {
    package struct Sizes: Hashable, Sendable {
        package var width: Int
        package var inner: Int
        package var rank: Int
        package var stateSize: Int
        package var taps: Int
        package var bias = false
        package var convolutionBias = true
    }

    package let sizes: Sizes
    package let inProj: Linear
    package let conv: CausalConv1d
    package let xProj: Linear
    package let stepProj: Linear
    package let aLog: Parameter
    package let d: Parameter
    package let outProj: Linear

    package init(_ scope: ParameterScope, _ sizes: Sizes, outputGain: Double) throws(TorchError) {
        self.sizes = sizes
        let inner = sizes.inner
        inProj = try Linear(
            scope / "in_proj", sizes.width, 2 * inner, bias: sizes.bias, components: ["x": inner, "z": inner])
        conv = try CausalConv1d(
            scope / "conv1d", channels: inner, taps: sizes.taps, bias: sizes.convolutionBias)
        xProj = try Linear(
            scope / "x_proj", inner, sizes.rank + 2 * sizes.stateSize,
            components: ["dt": sizes.rank, "B": sizes.stateSize, "C": sizes.stateSize])
        stepProj = try Linear(
            scope / "dt_proj", sizes.rank, inner, bias: true,
            biasInitializer: .inverseSoftplusOfLogUniform(0.001...0.1, floor: 0.0001))
        aLog = try scope.parameter("A_log", [inner, sizes.stateSize], .rows(.logarithm), decays: false)
        d = try scope.parameter("D", [inner], .ones, decays: false)
        outProj = try Linear(
            scope / "out_proj", inner, sizes.width, bias: sizes.bias,
            initializer: .fanIn(inner, gain: outputGain))
    }

    /// What one sequence leaves.
    var memory: PrefixState.Shapes {
        PrefixState.Shapes(state: [sizes.inner, sizes.stateSize], tail: [sizes.inner, sizes.taps - 1])
    }

    package func callAsFunction(
        _ u_bsd: Tensor, _ context: SequenceContext, state: RecurrentState? = nil
    ) throws(TorchError) -> Tensor {
        let parts = try inProj(u_bsd).chunk(2, dim: -1)
        let convolved = try conv(parts[0], sequenceIndex: context.documents, tail: state?.tail)
        let x = convolved.y_bsc
        let mixed = try xProj(x).split([sizes.rank, sizes.stateSize, sizes.stateSize], dim: -1)
        let wide: DType = x.dtype == .float64 ? .float64 : .float32
        let step = try stepProj(mixed[0]).to(wide).softplus()
        let scanned = try SelectiveScan.scan(
            SelectiveInput(
                x: x, step: step, a: -aLog.value.to(wide).exp(), b: mixed[1], c: mixed[2], d: d.value,
                documents: context.documents, state: state?.state))
        state?.advance(tail: convolved.tail_bck, state: scanned.state_bdn)
        return try outProj(scanned.y_bsd * parts[1].silu())
    }
}
