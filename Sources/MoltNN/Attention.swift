package import MoltTensor

/// Grouped-query attention, causal and never across documents; to all tokens before, or in a window.
///
/// Shapes: b batch, s sequence, d model width, h query heads, g key-value heads, e head size.
package final class Attention {
    package struct Sizes: Hashable, Sendable {
        package var width: Int
        package var heads: Int
        package var keyValueHeads: Int
        package var headSize: Int
        /// Keys that a query sees at most, its own included; nil for all.
        package var window: Int?
        package var rotary: Rotary?
        /// What scores are multiplied with; 1/√e when nil.
        package var scale: Double?
        /// c · tanh(score / c) in place of every score.
        package var softcap: Double?
        package var bias = false
        package var outputBias = false

        package init(width: Int, heads: Int, keyValueHeads: Int, headSize: Int) {
            precondition(keyValueHeads > 0 && heads % keyValueHeads == 0, "\(heads) heads over \(keyValueHeads)")
            self.width = width
            self.heads = heads
            self.keyValueHeads = keyValueHeads
            self.headSize = headSize
        }
    }

    package let sizes: Sizes
    private let projections: AttentionProjections
    package let output: Linear
    private let scope: ParameterScope
    private var prefix: KeyValuePrefix?

    /// - Parameters:
    ///   - projections: how queries, keys and values are made, under which names.
    ///   - outputGain: scales the first values of the projection back into the residual stream.
    package init(
        _ scope: ParameterScope, _ sizes: Sizes, _ projections: AttentionProjections.Kind = .separate,
        outputGain: Double = 1
    ) throws(TorchError) {
        self.sizes = sizes
        self.scope = scope
        self.projections = try AttentionProjections(scope, sizes, projections)
        let inner = sizes.heads * sizes.headSize
        output = try Linear(
            scope / projections.outputName, inner, sizes.width, bias: sizes.outputBias,
            initializer: .fanIn(inner, gain: outputGain))
    }

    /// - Parameters:
    ///   - cache: keys and values of what came before; this call's are appended.
    package func callAsFunction(
        _ x_bsd: Tensor, _ context: SequenceContext, cache: KeyValueCache? = nil
    ) throws(TorchError) -> Tensor {
        var (q_bhse, k_bgse, v_bgse) = try projections(x_bsd, context, memory: cache?.convolution)
        if let rotary = sizes.rotary {
            let turn = try context.turn(rotary)
            (q_bhse, k_bgse) = (try turn(q_bhse), try turn(k_bgse))
        }
        var start = 0
        if let cache {
            let seen = try cache.append(keys: k_bgse, values: v_bgse)
            (k_bgse, v_bgse, start) = (seen.keys, seen.values, seen.start)
        }
        let y_bhse = try attend(q_bhse, k_bgse, v_bgse, context, start: start)
        return try output(y_bhse.transpose(1, 2).flatten(from: 2, through: 3))
    }

    /// In a window, queries go in blocks as long as it, each with the keys that any of them sees: the work grows with
    /// the length, not with its square.
    private func attend(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ context: SequenceContext, start: Int
    ) throws(TorchError) -> Tensor {
        let count = q.size(2), past = k.size(2) - count
        guard let window = sizes.window, count > 2 * window else {
            return try attend(q, k, v, context, last: count, start: start)
        }
        var parts: [Tensor] = []
        for start in stride(from: 0, to: count, by: window) {
            let length = min(window, count - start), first = max(0, past + start - window + 1)
            let keys = past + start + length - first
            parts.append(
                try attend(
                    q.narrow(2, from: start, length: length), k.narrow(2, from: first, length: keys),
                    v.narrow(2, from: first, length: keys), context, last: start + length))
        }
        return try Tensor.cat(parts, dim: 2)
    }

    /// - Parameter start: where the oldest key is; those before it follow the last.
    private func attend(
        _ q: Tensor, _ k: Tensor, _ v: Tensor, _ context: SequenceContext, last: Int, start: Int = 0
    ) throws(TorchError) -> Tensor {
        let prefix = scope.registry.usesAdapters ? prefix : nil
        let queries = q.size(2), keys = k.size(2), isGrouped = sizes.heads != sizes.keyValueHeads
        // libtorch's own causal mask lets the first query see the first key only, whatever came before.
        let isPlain = sizes.softcap == nil && prefix == nil && context.isPlainlyCausal && queries == keys
            && (sizes.window ?? keys) >= keys
        var (k, v) = (k, v)
        var mask = isPlain ? nil : try context.mask(queries: queries, keys: keys, last: last, window: sizes.window)
        if start > 0 { mask = try mask.map { mask throws(TorchError) in try mask.roll(start, dim: -1) } }
        if let prefix { (k, v, mask) = try prefix.before(k, v, mask) }
        guard let cap = sizes.softcap else {
            return try Tensor.attention(
                query: q, key: k, value: v, mask: mask, isCausal: isPlain, scale: sizes.scale,
                groupedQueries: isGrouped)
        }
        let share = sizes.heads / sizes.keyValueHeads
        let (wideK, wideV) = isGrouped
            ? (try k.repeatInterleave(share, dim: 1), try v.repeatInterleave(share, dim: 1)) : (k, v)
        let scale = sizes.scale ?? 1 / Double(sizes.headSize).squareRoot()
        var scores = try (q.matmul(wideK.transpose(-1, -2)) * (scale / cap)).tanh() * cap
        if let mask { scores = try scores.maskedFill((.!mask), with: -Double.infinity) }
        return try scores.softmax(-1).to(v.dtype).matmul(wideV)
    }

    /// Lets every query see `count` trained keys and values besides.
    package func addPrefix(count: Int) throws(TorchError) {
        prefix = try KeyValuePrefix(scope, sizes, count: count)
    }

    /// An empty memory of the kind that this layer keeps.
    package func freshCache() -> KeyValueCache { KeyValueCache(window: sizes.window) }
}
