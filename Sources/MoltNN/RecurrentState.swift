package import MoltTensor

/// What a recurrent layer remembers of all tokens so far: as much after a million as after one.
package final class RecurrentState {
    /// The last inputs of the convolution, [b, channels, K − 1]; nil before the first token.
    package private(set) var tail: Tensor?
    /// The state of the recurrence, in fp32 at least; nil before the first token. Of Mamba-2 [b, h, p, n].
    package private(set) var state: Tensor?

    package init() {}

    package func advance(tail: Tensor?, state: Tensor?) {
        self.tail = tail
        self.state = state
    }

    /// Keeps these rows of the batch, in this order.
    package func keep(_ rows: Tensor) throws(TorchError) {
        tail = try tail.map { tail throws(TorchError) in try tail.indexSelect(0, rows.to(tail.device)) }
        state = try state.map { state throws(TorchError) in try state.indexSelect(0, rows.to(state.device)) }
    }
}
