package import MoltTensor

/// The real-gated linear recurrent unit (De et al. 2024, section 2.4):
///
///     r_t = σ(W_a x_t + b_a)          i_t = σ(W_x x_t + b_x)
///     a_t = exp(−8 · r_t · softplus(Λ))
///     h_t = a_t h_{t−1} + √(1 − a_t²) · (i_t x_t)       where a document starts: h_t = i_t x_t
///
/// The gates' weights are block-diagonal, each block in × out. It runs in fp32, in fp64 when its input does; the
/// derivative of the root is held below 1000.
///
/// | parameter | shape | first values | decay |
/// |---|---|---|---|
/// | recurrent_param (Λ) | [w] | softplus(Λ) = −ln a, a² uniform in [0.9², 0.999²] | no |
/// | input_gate_weight, recurrent_gate_weight | [blocks, w/blocks, w/blocks] | normal, √(0.01·blocks/w) | yes |
/// | input_gate_bias, recurrent_gate_bias | [blocks, w/blocks] | 0 | no |
package final class RGLRU {
    private static let operation = Operator("molt::rg_lru")

    package let decay: Parameter
    private let inputGate: Gate
    private let recurrentGate: Gate

    private struct Gate {
        let weight: Parameter
        let bias: Parameter

        init(_ scope: ParameterScope, _ name: String, blocks: Int, size: Int) throws(TorchError) {
            let deviation = (0.01 / Double(size)).squareRoot()
            weight = try scope.parameter("\(name)_weight", [blocks, size, size], .normal(deviation: deviation))
            bias = try scope.parameter("\(name)_bias", [blocks, size], .zeros, decays: false)
            scope.registry.add(FixedLinear(weight))
        }

        /// Before the sigmoid, [b, s, w].
        func callAsFunction(_ x_bsw: Tensor) throws(TorchError) -> Tensor {
            let blocks = weight.shape[0], size = weight.shape[1]
            let x_krv = try x_bsw.reshape([-1, blocks, size]).transpose(0, 1)
            let y_krv = try x_krv.batchedMatmul(weight.value) + bias.value.unsqueeze(1)
            return try y_krv.transpose(0, 1).reshape(x_bsw.shape)
        }
    }

    package init(_ scope: ParameterScope, width: Int, blocks: Int) throws(TorchError) {
        precondition(blocks > 0 && width % blocks == 0, "\(width) channels do not make \(blocks) blocks")
        decay = try scope.parameter("recurrent_param", [width], .inverseSoftplusOfDecay(0.9...0.999), decays: false)
        inputGate = try Gate(scope, "input_gate", blocks: blocks, size: width / blocks)
        recurrentGate = try Gate(scope, "recurrent_gate", blocks: blocks, size: width / blocks)
    }

    /// - Parameters:
    ///   - documents: [b, s], the document of each token.
    ///   - state: h of the token before, [b, w]; it belongs to the first document.
    /// - Returns: h of every token in the type of `x`, and that of the last one.
    package func callAsFunction(
        _ x_bsw: Tensor, documents: Tensor? = nil, state: Tensor? = nil
    ) throws(TorchError) -> (y_bsw: Tensor, state_bw: Tensor) {
        let input = RGLRUInput(
            x_bsw: x_bsw, inputGate_bsw: try inputGate(x_bsw), recurrentGate_bsw: try recurrentGate(x_bsw),
            decay_w: decay.value, documents_bs: documents, state_bw: state)
        guard x_bsw.hasKernels else { return try RGLRUReference.scan(input) }
        let results = try Self.operation.results(
            x_bsw, input.inputGate_bsw, input.recurrentGate_bsw, input.decay_w, documents, state)
        return (try results.tensor(0), try results.tensor(1))
    }
}

/// What the recurrence reads; gates are before their sigmoid.
package struct RGLRUInput {
    package var x_bsw: Tensor
    package var inputGate_bsw: Tensor
    package var recurrentGate_bsw: Tensor
    package var decay_w: Tensor
    package var documents_bs: Tensor?
    package var state_bw: Tensor?

    package init(
        x_bsw: Tensor, inputGate_bsw: Tensor, recurrentGate_bsw: Tensor, decay_w: Tensor, documents_bs: Tensor? = nil,
        state_bw: Tensor? = nil
    ) {
        self.x_bsw = x_bsw
        self.inputGate_bsw = inputGate_bsw
        self.recurrentGate_bsw = recurrentGate_bsw
        self.decay_w = decay_w
        self.documents_bs = documents_bs
        self.state_bw = state_bw
    }
}

/// The recurrence as it is written, one token after the other: what the fused operator is compared with, and what runs
/// where there is none.
package enum RGLRUReference {
    package static func scan(_ input: RGLRUInput) throws(TorchError) -> (y_bsw: Tensor, state_bw: Tensor) {
        let wide: DType = input.x_bsw.dtype == .float64 ? .float64 : .float32
        let length = input.x_bsw.size(1)
        let gate = try input.recurrentGate_bsw.to(wide).sigmoid()
        let logA_bsw = try gate * input.decay_w.to(wide).softplus() * -8.0
        let gated_bsw = try input.x_bsw.to(wide) * input.inputGate_bsw.to(wide).sigmoid()
        let scaled_bsw = try (-(logA_bsw * 2.0).expm1()).sqrt() * gated_bsw
        var state: Tensor? = try input.state_bw?.to(wide)
        var outputs: [Tensor] = []
        for t in 0..<length {
            let fresh_bw = try gated_bsw.select(1, t)
            guard let before = state else {
                outputs.append(fresh_bw)
                state = fresh_bw
                continue
            }
            var next = try logA_bsw.select(1, t).exp() * before + scaled_bsw.select(1, t)
            if t > 0, let documents = input.documents_bs {
                let starts_b1 = try (documents.select(1, t) .!= documents.select(1, t - 1)).unsqueeze(-1)
                next = try Tensor.select(where: starts_b1, fresh_bw, else: next)
            }
            outputs.append(next)
            state = next
        }
        let all = try Tensor.stack(outputs, dim: 1)
        return (try all.to(input.x_bsw.dtype), try all.select(1, length - 1))
    }
}
