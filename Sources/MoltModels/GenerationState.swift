package import MoltNN
package import MoltTensor

/// What a Mamba-2 layer remembers of all tokens so far: as much after a million as after one.
package final class Mamba2State {
    /// The last inputs of the convolution, [b, channels, K − 1]; nil before the first token.
    package private(set) var tail: Tensor?
    /// The state of the scan, [b, h, p, n] in fp32; nil before the first token.
    package private(set) var ssm: Tensor?

    package init() {}

    func advance(tail: Tensor, ssm: Tensor) {
        self.tail = tail
        self.ssm = ssm
    }
}

/// What a model remembers between calls, layer by layer.
package final class GenerationState {
    package enum Layer {
        case mamba(Mamba2State)
        case attention(KeyValueCache)
        case none
    }

    package let layers: [Layer]
    /// Tokens read so far.
    package private(set) var position = 0

    init(layers: [Layer]) {
        self.layers = layers
    }

    func advance(by count: Int) { position += count }
}
