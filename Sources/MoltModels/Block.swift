package import MoltNN
import MoltRecipe
import MoltTensor

/// One layer: a norm, a mixer, and the residual stream around them.
package final class Block {
    package enum Mixer {
        case mamba(Mamba2Mixer)
        case attention(Attention)
        case mlp(MLP)
    }

    package let norm: RMSNorm
    package let mixer: Mixer

    init(_ scope: ParameterScope, _ kind: LayerKind, _ model: ModelSection) throws {
        let gain = 1 / Double(model.pattern.layers.count).squareRoot()
        norm = try RMSNorm(scope / "norm", width: model.hiddenSize, epsilon: model.normEpsilon)
        let scope = scope / "mixer"
        switch kind {
        case .mamba:
            mixer = .mamba(try Mamba2Mixer(scope, Mamba2Mixer.Sizes(model), outputGain: gain))
        case .attention:
            mixer = .attention(
                try Attention(
                    scope, width: model.hiddenSize, heads: model.attentionHeads, keyValueHeads: model.keyValueHeads,
                    headSize: model.attentionHeadSize, outputGain: gain))
        case .mlp:
            mixer = .mlp(
                try MLP(
                    scope, width: model.hiddenSize, inner: model.feedForwardSize, activation: .init(model.activation),
                    gated: model.gatedMLP, outputGain: gain))
        case .experts:
            throw ModelError.unsupportedLayer(kind)
        }
    }

    func callAsFunction(
        _ stream: inout ResidualStream, _ context: SequenceContext, state: GenerationState.Layer
    ) throws(TorchError) {
        let normed = try stream.normed(by: norm)
        try stream.add(mix(normed, context, state))
    }

    private func mix(
        _ x: Tensor, _ context: SequenceContext, _ state: GenerationState.Layer
    ) throws(TorchError) -> Tensor {
        switch (mixer, state) {
        case (.mamba(let mixer), .mamba(let state)):
            try mixer(x, sequenceIndex: context.sequenceIndex, state: state)
        case (.mamba(let mixer), .attention), (.mamba(let mixer), .none):
            try mixer(x, sequenceIndex: context.sequenceIndex)
        case (.attention(let mixer), .attention(let cache)):
            try mixer(x, mask: context.mask, cache: cache)
        case (.attention(let mixer), .mamba), (.attention(let mixer), .none):
            try mixer(x, mask: context.mask)
        case (.mlp(let mixer), .mamba), (.mlp(let mixer), .attention), (.mlp(let mixer), .none):
            try mixer(x)
        }
    }

    var attends: Bool {
        if case .attention = mixer { true } else { false }
    }

    /// An empty memory of the kind that this layer keeps.
    func freshState() -> GenerationState.Layer {
        switch mixer {
        case .mamba: .mamba(Mamba2State())
        case .attention: .attention(KeyValueCache())
        case .mlp: .none
        }
    }
}

/// Where documents begin, as the layers need it; made once a forward pass.
struct SequenceContext {
    let sequenceIndex: Tensor?
    let mask: Tensor?

    init(sequenceIndex: Tensor?, hasAttention: Bool) throws(TorchError) {
        self.sequenceIndex = sequenceIndex
        if let sequenceIndex, hasAttention {
            mask = try DocumentMask.packed(sequenceIndex)
        } else {
            mask = nil
        }
    }
}

extension Mamba2Mixer.Sizes {
    init(_ model: ModelSection) {
        self.init(
            width: model.hiddenSize, heads: model.mambaHeads, headSize: model.mambaHeadSize, groups: model.groups,
            stateSize: model.stateSize, taps: model.convolutionKernel, chunk: model.chunkSize,
            epsilon: model.normEpsilon)
    }
}

extension MLP.Activation {
    init(_ activation: ModelSection.Activation) {
        self = switch activation {
        case .silu: .silu
        case .gelu: .gelu
        case .squaredReLU: .squaredReLU
        }
    }
}
