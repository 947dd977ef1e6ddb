package import MoltNN
import MoltRecipe
import MoltTensor

/// One layer: a norm, a mixer, and the residual stream around them.
package final class Block {
    package enum Mixer {
        case mamba(Mamba2Mixer)
        case attention(Attention)
        case recurrent(RecurrentMixer)
        case mamba1(Mamba1Mixer)
        case diagonal(DiagonalMixer)
        case mlp(MLP)
        /// Experts, and the MLP that every token takes beside them.
        case experts(Experts, shared: MLP?)
    }

    package let norm: RMSNorm
    package let mixer: Mixer
    /// Where the mixer's parameters are.
    let scope: ParameterScope
    var bottleneck: BottleneckAdapter?
    private var prefix: PrefixState?

    init(_ root: ParameterScope, _ index: Int, _ kind: LayerKind, _ model: ModelSection) throws {
        let names = ParameterNames(model.family), place = names.layer(index, kind)
        norm = try RMSNorm(
            root / place.norm, width: model.hiddenSize, epsilon: model.normEpsilon, plusOne: model.normPlusOne)
        let scope = root / place.mixer, gain = model.outputGain
        self.scope = scope
        switch kind {
        case .mamba:
            mixer = .mamba(try Mamba2Mixer(scope, Mamba2Mixer.Sizes(model), outputGain: gain))
        case .attention, .window:
            mixer = .attention(
                try Attention(
                    scope, Attention.Sizes(model, isWindow: kind == .window), model.attentionProjections,
                    outputGain: gain))
        case .recurrent:
            mixer = .recurrent(
                try RecurrentMixer(
                    scope, width: model.hiddenSize, recurrentWidth: model.recurrentWidth,
                    blocks: model.recurrentBlocks, taps: model.convolutionKernel, outputGain: gain))
        case .mlp:
            mixer = .mlp(
                try MLP(
                    scope, width: model.hiddenSize, inner: model.feedForwardSize, activation: .init(model.activation),
                    kind: model.feedForwardKind, bias: model.feedForwardBias, outputGain: gain))
        case .experts:
            let experts = try Experts(
                scope, width: model.hiddenSize, inner: model.expertSize, experts: model.experts,
                chosen: model.expertsPerToken, activation: .init(model.activation), outputGain: gain)
            let shared = model.sharedExpertSize == 0
                ? nil
                : try MLP(
                    root / names.sharedExpert(index), width: model.hiddenSize, inner: model.sharedExpertSize,
                    activation: .init(model.activation), kind: .joined, outputGain: gain)
            mixer = .experts(experts, shared: shared)
        case .mamba1:
            mixer = .mamba1(try Mamba1Mixer(scope, Mamba1Mixer.Sizes(model), outputGain: gain))
        case .s4d, .dss:
            mixer = .diagonal(
                try DiagonalMixer(
                    scope, width: model.hiddenSize, stateSize: model.stateSize, kind: kind == .s4d ? .s4d : .dss))
        }
    }

    func callAsFunction(
        _ stream: inout ResidualStream, _ context: SequenceContext, state: GenerationState.Layer
    ) throws(TorchError) {
        let normed = startsWithProduct ? try stream.normed(by: norm) : try stream.normedWide(by: norm)
        let mixed = try mix(normed, context, state)
        guard let bottleneck, scope.registry.usesAdapters else { return try stream.add(mixed) }
        try stream.add(bottleneck(mixed))
    }

    /// Gives the layer a trained memory from before every document; false when it remembers nothing.
    /// - Parameter count: keys and values of attention.
    func addPrefix(count: Int) throws(TorchError) -> Bool {
        let shapes: PrefixState.Shapes
        switch mixer {
        case .mamba(let mixer): shapes = mixer.memory
        case .mamba1(let mixer): shapes = mixer.memory
        case .recurrent(let mixer): shapes = mixer.memory
        case .diagonal(let mixer): shapes = mixer.memory
        case .attention(let mixer):
            try mixer.addPrefix(count: count)
            return true
        case .mlp, .experts: return false
        }
        prefix = try PrefixState(scope, shapes)
        return true
    }

    /// Whether a linear layer takes the input first, which rounds it as mixed precision says.
    private var startsWithProduct: Bool {
        if case .diagonal = mixer { false } else { true }
    }

    private func mix(
        _ x: Tensor, _ context: SequenceContext, _ state: GenerationState.Layer
    ) throws(TorchError) -> Tensor {
        if let prefix, scope.registry.usesAdapters {
            return try prefix(x, context, state.recurrent) { x, context, memory throws(TorchError) in
                try run(x, context, .recurrent(memory))
            }
        }
        return try run(x, context, state)
    }

    private func run(
        _ x: Tensor, _ context: SequenceContext, _ state: GenerationState.Layer
    ) throws(TorchError) -> Tensor {
        switch mixer {
        case .mamba(let mixer): return try mixer(x, context, state: state.recurrent)
        case .attention(let mixer): return try mixer(x, context, cache: state.cache)
        case .recurrent(let mixer): return try mixer(x, context, state: state.recurrent)
        case .mamba1(let mixer): return try mixer(x, context, state: state.recurrent)
        case .diagonal(let mixer): return try mixer(x, context, state: state.recurrent)
        case .mlp(let mixer): return try mixer(x)
        case .experts(let experts, let shared):
            let chosen = try experts(x)
            return try shared.map { shared throws(TorchError) in try chosen + shared(x) } ?? chosen
        }
    }

    /// An empty memory of the kind that this layer keeps.
    func freshState() -> GenerationState.Layer {
        switch mixer {
        case .mamba, .recurrent, .mamba1, .diagonal: .recurrent(RecurrentState())
        case .attention(let mixer): .attention(mixer.freshCache())
        case .mlp, .experts: .none
        }
    }
}
