package import MoltNN
package import MoltTensor

/// The Mamba-2 mixer (Dao and Gu 2024, section 7).
///
///     z, xBC, dt = in_proj(u)
///     x, B, C    = silu(conv1d(xBC))
///     y          = SSD(x, dt, A, B, C, D)
///     out        = out_proj(RMSNorm(y · silu(z)))        the norm in as many groups as B and C have
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | in_proj.weight | [2·inner + 2·g·n + h, d] | uniform ±1/√d | yes |
/// | conv1d.weight | [inner + 2·g·n, 1, K] | uniform ±1/√K | yes |
/// | conv1d.bias | [inner + 2·g·n] | uniform ±1/√K | no |
/// | dt_bias | [h] | softplus⁻¹ of log-uniform in [0.001, 0.1], at least 0.0001 | no |
/// | A_log | [h] | log of uniform in [1, 16] | no |
/// | D | [h] | 1 | no |
/// | norm.weight | [inner] | 1 | no |
/// | out_proj.weight | [d, inner] | uniform ±1/√inner, divided by √(layers of the model) | yes |
package final class Mamba2Mixer {
    package struct Sizes: Hashable, Sendable {
        package var width: Int
        package var heads: Int
        package var headSize: Int
        package var groups: Int
        package var stateSize: Int
        package var taps: Int
        package var chunk: Int
        package var epsilon: Double
        /// Groups of channels that the norm takes together; as many as B and C have in all families.
        package var normGroups: Int
        package var normBeforeGate = false
        package var bias = false
        package var convolutionBias = true
        /// Bounds of the step after softplus.
        package var stepMinimum = 0.0
        package var stepMaximum: Double?

        package init(
            width: Int, heads: Int, headSize: Int, groups: Int, stateSize: Int, taps: Int, chunk: Int, epsilon: Double
        ) {
            self.width = width
            self.heads = heads
            self.headSize = headSize
            self.groups = groups
            self.stateSize = stateSize
            self.taps = taps
            self.chunk = chunk
            self.epsilon = epsilon
            normGroups = groups
        }

        var inner: Int { heads * headSize }
        var convolved: Int { inner + 2 * groups * stateSize }
    }

    package let sizes: Sizes
    package let inProj: Linear
    package let conv: CausalConv1d
    package let dtBias: Parameter
    package let aLog: Parameter
    package let d: Parameter
    package let norm: GatedRMSNorm
    package let outProj: Linear

    package init(_ scope: ParameterScope, _ sizes: Sizes, outputGain: Double) throws(TorchError) {
        self.sizes = sizes
        let shared = sizes.groups * sizes.stateSize
        inProj = try Linear(
            scope / "in_proj", sizes.width, sizes.inner + sizes.convolved + sizes.heads, bias: sizes.bias,
            components: ["z": sizes.inner, "x": sizes.inner, "B": shared, "C": shared, "dt": sizes.heads])
        conv = try CausalConv1d(
            scope / "conv1d", channels: sizes.convolved, taps: sizes.taps, bias: sizes.convolutionBias)
        dtBias = try scope.parameter(
            "dt_bias", [sizes.heads], .inverseSoftplusOfLogUniform(0.001...0.1, floor: 0.0001), decays: false)
        aLog = try scope.parameter("A_log", [sizes.heads], .logOfUniform(1...16), decays: false)
        d = try scope.parameter("D", [sizes.heads], .ones, decays: false)
        norm = try GatedRMSNorm(
            scope / "norm", width: sizes.inner, groupSize: sizes.inner / sizes.normGroups, epsilon: sizes.epsilon,
            beforeGate: sizes.normBeforeGate)
        outProj = try Linear(
            scope / "out_proj", sizes.inner, sizes.width, bias: sizes.bias,
            initializer: .fanIn(sizes.inner, gain: outputGain))
    }

    /// What one sequence leaves.
    var memory: PrefixState.Shapes {
        PrefixState.Shapes(
            state: [sizes.heads, sizes.headSize, sizes.stateSize], tail: [sizes.convolved, sizes.taps - 1])
    }

    /// - Parameter state: continues a sequence, and is left as this call leaves it.
    package func callAsFunction(
        _ u_bsd: Tensor, _ context: SequenceContext, state: RecurrentState? = nil
    ) throws(TorchError) -> Tensor {
        let (inner, groupWidth) = (sizes.inner, sizes.groups * sizes.stateSize)
        let zxbcdt = try inProj(u_bsd)
        let parts = try zxbcdt.split([inner, sizes.convolved, sizes.heads], dim: -1)
        let (z, xbc, dt_bsh) = (parts[0], parts[1], parts[2])

        let convolved = try conv(xbc, sequenceIndex: context.documents, tail: state?.tail)
        let mixed = try convolved.y_bsc.split([inner, groupWidth, groupWidth], dim: -1)

        let scanned = try SSD.scan(
            SSDInput(
                x: mixed[0].splitLast([sizes.heads, sizes.headSize]), dt: dt_bsh, dtBias: dtBias.value,
                aLog: aLog.value, b: mixed[1].splitLast([sizes.groups, sizes.stateSize]),
                c: mixed[2].splitLast([sizes.groups, sizes.stateSize]), d: d.value,
                sequenceIndex: context.documents, initialState: state?.state, stepMinimum: sizes.stepMinimum,
                stepMaximum: sizes.stepMaximum),
            chunk: sizes.chunk)
        state?.advance(tail: convolved.tail_bck, state: scanned.finalState_bhpn)
        return try outProj(norm(scanned.y_bshp.flatten(from: -2, through: -1), gate: z))
    }
}
