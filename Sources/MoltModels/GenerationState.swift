package import MoltNN
package import MoltTensor

/// What a model remembers between calls, layer by layer.
package final class GenerationState {
    package enum Layer {
        case recurrent(RecurrentState)
        case attention(KeyValueCache)
        case none

        var recurrent: RecurrentState? {
            if case .recurrent(let state) = self { state } else { nil }
        }

        var cache: KeyValueCache? {
            if case .attention(let cache) = self { cache } else { nil }
        }
    }

    package let layers: [Layer]
    /// Tokens read so far, virtual ones included.
    package private(set) var position = 0
    /// Of all tokens so far, [b, position], when any call named documents.
    private(set) var documents: Tensor?

    init(layers: [Layer]) {
        self.layers = layers
    }

    /// The context of the next `count` tokens; those that name no documents belong to that of the last token.
    func context(
        batch: Int, count: Int, documents new: Tensor?, on device: Device
    ) throws(TorchError) -> SequenceContext {
        if let new, documents == nil, position > 0 {
            let first = try new.narrow(1, from: 0, length: 1)
            documents = try Tensor.cat([first.expand([batch, position]), new], dim: 1)
        } else if let documents {
            let last = try documents.narrow(1, from: position - 1, length: 1).expand([batch, count])
            self.documents = try Tensor.cat([documents, new ?? last], dim: 1)
        } else {
            documents = new
        }
        defer { position += count }
        return try SequenceContext(count: count, past: position, documents: documents, on: device)
    }

    /// Keeps these rows of the batch, in this order.
    package func keep(_ rows: [Int]) throws(TorchError) {
        let index = try Tensor(rows)
        for layer in layers {
            switch layer {
            case .recurrent(let state): try state.keep(index)
            case .attention(let cache): try cache.keep(index)
            case .none: break
            }
        }
        documents = try documents.map { documents throws(TorchError) in
            try documents.indexSelect(0, index.to(documents.device))
        }
    }

    /// Bytes of all states and caches.
    package var bytes: Int {
        layers.reduce(0) { sum, layer in
            let tensors: [Tensor?] =
                switch layer {
                case .recurrent(let state): [state.tail, state.state]
                case .attention(let cache): cache.tensors + [cache.convolution.tail, cache.convolution.state]
                case .none: []
                }
            return sum + tensors.compactMap { $0 }.reduce(0) { $0 + $1.byteCount }
        }
    }
}
