package import MoltNN
package import MoltTensor

/// A diagonal state space that does not depend on its input, as a long convolution: S4D (Gu et al. 2022) and the
/// exponential form of DSS (Gupta et al. 2022), for study.
///
///     K_l = f · Re Σ_m C_m (e^{Δ A_m} − 1)/A_m · e^{l Δ A_m}        y = K * u + D u
///     out = glu(output_linear(gelu(y)))
///
/// with A = −e^{re} + i·im. S4D keeps one of each pair of conjugates, f = 2, and an A of its own for every channel; DSS
/// has all modes, f = 1, and one A for all channels.
///
/// | parameter | shape (S4D; DSS) | first values | decay |
/// |---|---|---|---|
/// | log_dt | [d] | log-uniform in [0.001, 0.1] | no |
/// | log_A_real | [d, n/2]; [n] | ln(1/2) | no |
/// | A_imag | [d, n/2]; [n] | 0, π, 2π, … | no |
/// | C | [d, n/2, 2]; [d, n, 2] | normal, variance 1 with both parts | yes |
/// | D | [d] | normal | no |
/// | output_linear.weight, output_linear.bias | [2d, d], [2d] | uniform ±1/√d, 0 | yes, no |
package final class DiagonalMixer {
    package enum Kind: Hashable, Sendable { case s4d, dss }

    package let kind: Kind
    private let logStep: Parameter
    private let logReal: Parameter
    private let imaginary: Parameter
    private let c: Parameter
    private let d: Parameter
    package let output: Linear

    package init(_ scope: ParameterScope, width: Int, stateSize: Int, kind: Kind) throws(TorchError) {
        self.kind = kind
        let modes = kind == .s4d ? stateSize / 2 : stateSize
        let shape = kind == .s4d ? [width, modes] : [modes]
        logStep = try scope.parameter("log_dt", [width], .logUniform(0.001...0.1), decays: false)
        logReal = try scope.parameter(
            "log_A_real", shape, .rows(.constant(-0.693_147_180_559_945_3)), decays: false)
        imaginary = try scope.parameter("A_imag", shape, .rows(.piMultiple), decays: false)
        c = try scope.parameter("C", [width, modes, 2], .normal(deviation: 0.5.squareRoot()))
        d = try scope.parameter("D", [width], .normal(deviation: 1), decays: false)
        output = try Linear(scope / "output_linear", width, 2 * width, bias: true)
    }

    /// What one sequence leaves.
    var memory: PrefixState.Shapes { PrefixState.Shapes(state: c.shape, tail: nil) }

    package func callAsFunction(
        _ u_bsd: Tensor, _ context: SequenceContext, state: RecurrentState? = nil
    ) throws(TorchError) -> Tensor {
        let modes = try modes()
        let u_bds = try u_bsd.transpose(1, 2)
        let mixed: (y_bds: Tensor, state: Tensor?)
        if let documents = context.documents {
            mixed = try perDocument(u_bds, documents, modes, state)
        } else {
            mixed = try modes.convolve(u_bds, from: state?.state, keepsState: state != nil)
        }
        state?.advance(tail: nil, state: mixed.state)
        let y_bsd = try (mixed.y_bds + u_bds * d.value.unsqueeze(-1)).transpose(1, 2).gelu()
        let parts = try output(y_bsd).chunk(2, dim: -1)
        return try parts[0] * parts[1].sigmoid()
    }

    private func modes() throws(TorchError) -> DiagonalModes {
        let step_d1 = try logStep.value.to(.float64).exp().unsqueeze(-1)
        let c_dm2 = try c.value.to(.float64)
        return try DiagonalModes(
            step: step_d1, real: -logReal.value.to(.float64).exp(), imaginary: imaginary.value.to(.float64),
            c: (c_dm2.select(-1, 0), c_dm2.select(-1, 1)), factor: kind == .s4d ? 2 : 1)
    }

    /// One document after the other; the first of a row continues the state, the last one leaves it.
    private func perDocument(
        _ u_bds: Tensor, _ documents: Tensor, _ modes: DiagonalModes, _ state: RecurrentState?
    ) throws(TorchError) -> (Tensor, Tensor?) {
        let length = u_bds.size(2)
        let index = try documents.to(.int64).array(of: Int64.self)
        var rows: [Tensor] = [], states: [Tensor] = []
        for row in 0..<u_bds.size(0) {
            let mine = index[(row * length)..<((row + 1) * length)]
            let u_1ds = try u_bds.narrow(0, from: row, length: 1)
            var parts: [Tensor] = [], start = 0
            var carried = try state?.state?.narrow(0, from: row, length: 1)
            while start < length {
                let rest = mine.dropFirst(start)
                let count = rest.prefix { $0 == rest.first }.count
                let part = try modes.convolve(
                    u_1ds.narrow(2, from: start, length: count), from: start == 0 ? carried : nil,
                    keepsState: state != nil)
                parts.append(part.y_bds)
                carried = part.state
                start += count
            }
            rows.append(try Tensor.cat(parts, dim: 2))
            if let carried { states.append(carried) }
        }
        return (try Tensor.cat(rows), states.isEmpty ? nil : try Tensor.cat(states))
    }
}
