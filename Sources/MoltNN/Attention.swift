package import MoltTensor

/// Grouped-query attention without position embeddings; causal, and never across documents.
///
/// Shapes: b batch, s sequence, d model width, h query heads, g key-value heads, e head size.
package final class Attention {
    package let queries: Linear
    package let keys: Linear
    package let values: Linear
    package let output: Linear
    package let heads: Int
    package let keyValueHeads: Int
    package let headSize: Int

    /// - Parameter outputGain: scales the first values of the projection back into the residual stream.
    package init(
        _ scope: ParameterScope, width: Int, heads: Int, keyValueHeads: Int, headSize: Int, outputGain: Double = 1
    ) throws(TorchError) {
        precondition(keyValueHeads > 0 && heads % keyValueHeads == 0, "\(heads) heads over \(keyValueHeads)")
        self.heads = heads
        self.keyValueHeads = keyValueHeads
        self.headSize = headSize
        queries = try Linear(scope / "q_proj", width, heads * headSize)
        keys = try Linear(scope / "k_proj", width, keyValueHeads * headSize)
        values = try Linear(scope / "v_proj", width, keyValueHeads * headSize)
        output = try Linear(
            scope / "o_proj", heads * headSize, width, initializer: .fanIn(heads * headSize, gain: outputGain))
    }

    /// - Parameters:
    ///   - mask: which keys a query may see, from `DocumentMask`; nil means all that are not later.
    ///   - cache: keys and values of what came before; this call's are appended.
    package func callAsFunction(
        _ x_bsd: Tensor, mask: Tensor? = nil, cache: KeyValueCache? = nil
    ) throws(TorchError) -> Tensor {
        let q_bhse = try split(queries(x_bsd), heads)
        var k_bgse = try split(keys(x_bsd), keyValueHeads)
        var v_bgse = try split(values(x_bsd), keyValueHeads)
        var (mask, isCausal) = (mask, mask == nil)
        if let cache {
            let past = cache.length
            (k_bgse, v_bgse) = try cache.append(keys: k_bgse, values: v_bgse)
            if past > 0 {
                // The first row of libtorch's own causal mask sees the first key only, whatever came before.
                mask = try DocumentMask.continuing(past: past, count: x_bsd.size(1), on: x_bsd.device)
                isCausal = false
            }
        }
        let y_bhse = try Tensor.attention(
            query: q_bhse, key: k_bgse, value: v_bgse, mask: mask, isCausal: isCausal,
            groupedQueries: heads != keyValueHeads)
        return try output(y_bhse.transpose(1, 2).flatten(from: 2, through: 3))
    }

    private func split(_ x: Tensor, _ heads: Int) throws(TorchError) -> Tensor {
        try x.splitLast([heads, headSize]).transpose(1, 2)
    }
}

/// Boolean masks of attention: true where a query may look.
package enum DocumentMask {
    /// [b, 1, s, s]: not later, and in the same document.
    package static func packed(_ index_bs: Tensor) throws(TorchError) -> Tensor {
        let same = try index_bs.unsqueeze(2) .== index_bs.unsqueeze(1)
        return try same.lowerTriangle().unsqueeze(1)
    }

    /// [count, past + count] for tokens that follow `past` others; nil when one token may see everything.
    static func continuing(past: Int, count: Int, on device: Device) throws(TorchError) -> Tensor? {
        if count == 1 { return nil }
        return try Tensor.ones([count, past + count], dtype: .bool, device: device).lowerTriangle(diagonal: past)
    }
}

/// Keys and values of the tokens so far; grows by doubling, so that a step copies only its own.
package final class KeyValueCache {
    package private(set) var length = 0
    private var keys: Tensor?
    private var values: Tensor?

    package init() {}

    /// Appends [b, g, s, e] and returns all so far.
    func append(keys newKeys: Tensor, values newValues: Tensor) throws(TorchError) -> (Tensor, Tensor) {
        let count = newKeys.shape[2]
        let total = length + count
        let (k, v) = (try room(keys, like: newKeys, total), try room(values, like: newValues, total))
        try k.narrow(2, from: length, length: count).copy_(newKeys)
        try v.narrow(2, from: length, length: count).copy_(newValues)
        (keys, values, length) = (k, v, total)
        return (try k.narrow(2, from: 0, length: total), try v.narrow(2, from: 0, length: total))
    }

    private func room(_ store: Tensor?, like new: Tensor, _ total: Int) throws(TorchError) -> Tensor {
        if let store, store.shape[2] >= total { return store }
        let capacity = max(64, total, 2 * (store?.shape[2] ?? 0))
        let larger = try Tensor.zeros([new.size(0), new.size(1), capacity, new.size(3)], like: new)
        if let store {
            try larger.narrow(2, from: 0, length: length).copy_(store.narrow(2, from: 0, length: length))
        }
        return larger
    }
}
