import MoltTensor

/// How queries, keys and values come from the hidden states, under the names of a family's checkpoints.
package struct AttentionProjections {
    package enum Kind: Hashable, Sendable {
        /// q_proj, k_proj and v_proj.
        case separate
        /// in_proj for all three in this order, with a causal convolution (conv1d) over them when taps are given:
        /// the attention of mamba_ssm.
        case together(taps: Int)

        var outputName: String {
            switch self {
            case .separate: "o_proj"
            case .together: "out_proj"
            }
        }
    }

    private let linears: [Linear]
    private let conv: CausalConv1d?
    private let sizes: Attention.Sizes

    init(_ scope: ParameterScope, _ sizes: Attention.Sizes, _ kind: Kind) throws(TorchError) {
        self.sizes = sizes
        let q = sizes.heads * sizes.headSize, kv = sizes.keyValueHeads * sizes.headSize
        switch kind {
        case .separate:
            linears = [
                try Linear(scope / "q_proj", sizes.width, q, bias: sizes.bias),
                try Linear(scope / "k_proj", sizes.width, kv, bias: sizes.bias),
                try Linear(scope / "v_proj", sizes.width, kv, bias: sizes.bias),
            ]
            conv = nil
        case .together(let taps):
            linears = [
                try Linear(
                    scope / "in_proj", sizes.width, q + 2 * kv, bias: sizes.bias,
                    components: ["q": q, "k": kv, "v": kv])
            ]
            conv = taps == 0
                ? nil : try CausalConv1d(scope / "conv1d", channels: q + 2 * kv, taps: taps, activates: false)
        }
    }

    /// [b, heads, s, e] each.
    func callAsFunction(
        _ x_bsd: Tensor, _ context: SequenceContext, memory: RecurrentState?
    ) throws(TorchError) -> (q: Tensor, k: Tensor, v: Tensor) {
        if linears.count == 3 {
            return (
                try heads(linears[0](x_bsd)), try heads(linears[1](x_bsd)), try heads(linears[2](x_bsd))
            )
        }
        var all = try linears[0](x_bsd)
        if let conv {
            let convolved = try conv(all, sequenceIndex: context.documents, tail: memory?.tail)
            memory?.advance(tail: convolved.tail_bck, state: nil)
            all = convolved.y_bsc
        }
        let q = sizes.heads * sizes.headSize, kv = sizes.keyValueHeads * sizes.headSize
        let parts = try all.split([q, kv, kv], dim: -1)
        return (try heads(parts[0]), try heads(parts[1]), try heads(parts[2]))
    }

    private func heads(_ x_bsc: Tensor) throws(TorchError) -> Tensor {
        try x_bsc.splitLast([x_bsc.size(-1) / sizes.headSize, sizes.headSize]).transpose(1, 2)
    }
}
