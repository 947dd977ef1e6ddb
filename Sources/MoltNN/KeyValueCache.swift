package import MoltTensor

/// Keys and values of the tokens so far, or of the last `window` alone.
///
/// Without a window the room grows in blocks. With one it is a ring, at most as long as the window: the newest key
/// takes the place of the oldest, so that it is as large after a million tokens as after one window.
package final class KeyValueCache {
    /// Tokens by which the room grows: a step of generation reads all there are, and copies them this rarely.
    package static let blockTokens = 256

    /// Keys that a query sees at most; nil for all.
    package let window: Int?
    /// Of a convolution before the attention, where there is one.
    package let convolution = RecurrentState()
    /// Tokens kept.
    package private(set) var length = 0
    /// Where the next key goes, once a ring is full: the place of the oldest.
    private var next = 0
    private var keys: Tensor?
    private var values: Tensor?

    package init(window: Int? = nil) {
        self.window = window
    }

    /// Tokens that there is room for.
    package var capacity: Int { keys?.shape[2] ?? 0 }

    /// What is kept, with the room behind it.
    package var tensors: [Tensor] { [keys, values].compactMap { $0 } }

    /// What a call's queries may look at, [b, g, keys, e] each. The oldest key is at `start`; the newest is before it.
    package struct Seen {
        package let keys: Tensor
        package let values: Tensor
        package let start: Int
    }

    /// Appends [b, g, s, e] and returns what is kept, with at least as many before the new ones as a window shows.
    package func append(keys newKeys: Tensor, values newValues: Tensor) throws(TorchError) -> Seen {
        let count = newKeys.shape[2]
        guard let window else {
            let seen = try put(newKeys, newValues, at: length, count, length + count)
            length += count
            return seen
        }
        guard count == 1 else { return try replaceRing(newKeys, newValues, window) }
        let place = length < window ? length : next
        length = min(length + 1, window)
        next = (place + 1) % window
        return try put(newKeys, newValues, at: place, 1, length, start: length < window ? 0 : next)
    }

    /// Keeps these rows of the batch, in this order.
    package func keep(_ rows: Tensor) throws(TorchError) {
        keys = try keys.map { keys throws(TorchError) in try keys.indexSelect(0, rows.to(keys.device)) }
        values = try values.map { values throws(TorchError) in try values.indexSelect(0, rows.to(values.device)) }
        try convolution.keep(rows)
    }

    private func put(
        _ newKeys: Tensor, _ newValues: Tensor, at place: Int, _ count: Int, _ total: Int, start: Int = 0
    ) throws(TorchError) -> Seen {
        let (k, v) = (try room(keys, like: newKeys, total), try room(values, like: newValues, total))
        try k.narrow(2, from: place, length: count).copy_(newKeys)
        try v.narrow(2, from: place, length: count).copy_(newValues)
        (keys, values) = (k, v)
        return Seen(
            keys: try k.narrow(2, from: 0, length: total), values: try v.narrow(2, from: 0, length: total),
            start: start)
    }

    /// Many at once may be more than the ring holds: they see each other and what came before, and the last ones stay.
    private func replaceRing(_ newKeys: Tensor, _ newValues: Tensor, _ window: Int) throws(TorchError) -> Seen {
        let all = Seen(keys: try following(keys, newKeys), values: try following(values, newValues), start: 0)
        let total = all.keys.shape[2]
        length = min(total, window)
        next = length % window
        keys = try all.keys.narrow(2, from: total - length, length: length).clone()
        values = try all.values.narrow(2, from: total - length, length: length).clone()
        return all
    }

    /// What a ring holds, oldest first, and the new ones after it.
    private func following(_ ring: Tensor?, _ new: Tensor) throws(TorchError) -> Tensor {
        guard let ring, length > 0 else { return new }
        let start = length == window ? next : 0
        return try Tensor.cat(
            [
                ring.narrow(2, from: start, length: length - start), ring.narrow(2, from: 0, length: start), new,
            ], dim: 2)
    }

    private func room(_ store: Tensor?, like new: Tensor, _ total: Int) throws(TorchError) -> Tensor {
        if let store, store.shape[2] >= total { return store }
        let blocks = (total + Self.blockTokens - 1) / Self.blockTokens
        let capacity = min(blocks * Self.blockTokens, window ?? .max)
        let larger = try Tensor.zeros([new.size(0), new.size(1), capacity, new.size(3)], like: new)
        if let store {
            try larger.narrow(2, from: 0, length: store.shape[2]).copy_(store)
        }
        return larger
    }
}
