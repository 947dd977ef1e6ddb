import MoltTensor

/// Keys and values of the tokens so far, or of the last `window` alone. It grows by doubling, and a window moves back
/// to the front when it has gone as far as it is wide: a step copies only its own, but for now and then.
package final class KeyValueCache {
    /// Tokens kept.
    package private(set) var length = 0
    /// Keys that a query sees at most; nil for all.
    package let window: Int?
    /// Of a convolution before the attention, where there is one.
    package let convolution = RecurrentState()
    private var keys: Tensor?
    private var values: Tensor?

    package init(window: Int? = nil) {
        self.window = window
    }

    /// Appends [b, g, s, e] and returns what is kept, with at least as many before the new ones as a window shows.
    func append(keys newKeys: Tensor, values newValues: Tensor) throws(TorchError) -> (Tensor, Tensor) {
        try forget()
        let count = newKeys.shape[2]
        let total = length + count
        let (k, v) = (try room(keys, like: newKeys, total), try room(values, like: newValues, total))
        try k.narrow(2, from: length, length: count).copy_(newKeys)
        try v.narrow(2, from: length, length: count).copy_(newValues)
        (keys, values, length) = (k, v, total)
        return (try k.narrow(2, from: 0, length: total), try v.narrow(2, from: 0, length: total))
    }

    /// Drops what no later query can see, once that is half of what is kept.
    private func forget() throws(TorchError) {
        guard let window, length >= 2 * window, let keys, let values else { return }
        self.keys = try keys.narrow(2, from: length - window, length: window).clone()
        self.values = try values.narrow(2, from: length - window, length: window).clone()
        length = window
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
