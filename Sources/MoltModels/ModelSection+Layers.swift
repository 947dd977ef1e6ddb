import MoltNN
import MoltRecipe

/// What the layers are told of a recipe's model section.
extension ModelSection {
    /// Scales the first values of what adds to the residual stream.
    var outputGain: Double { 1 / Double(pattern.layers.count).squareRoot() }

    var attentionProjections: AttentionProjections.Kind {
        family == .mamba2 ? .together(taps: attentionConvolution) : .separate
    }

    var feedForwardKind: MLP.Kind {
        if family == .granite { .joined } else if gatedMLP { .gated } else { .plain }
    }

    var rotary: Rotary? {
        let turned = Int(Double(attentionHeadSize) * rotaryShare)
        guard turned > 0 else { return nil }
        return switch rotaryScaling {
        case .none: Rotary(turned: turned, base: rotaryBase)
        case .linear: Rotary(turned: turned, base: rotaryBase, stretch: rotaryFactor)
        case .ntk: Rotary(turned: turned, base: Rotary.longerBase(rotaryBase, by: rotaryFactor, turned: turned))
        }
    }
}

extension Attention.Sizes {
    init(_ model: ModelSection, isWindow: Bool) {
        self.init(
            width: model.hiddenSize, heads: model.attentionHeads, keyValueHeads: model.keyValueHeads,
            headSize: model.attentionHeadSize)
        window = isWindow ? model.window : nil
        rotary = model.rotary
        scale = model.attentionScale
        softcap = model.attentionSoftcap
        bias = model.attentionBias
        outputBias = model.attentionOutputBias
    }
}

extension Mamba2Mixer.Sizes {
    init(_ model: ModelSection) {
        self.init(
            width: model.hiddenSize, heads: model.mambaHeads, headSize: model.mambaHeadSize, groups: model.groups,
            stateSize: model.stateSize, taps: model.convolutionKernel, chunk: model.chunkSize,
            epsilon: model.normEpsilon)
        normGroups = model.gatedNormGroups ?? model.groups
        normBeforeGate = model.normBeforeGate
        bias = model.mambaBias
        convolutionBias = model.convolutionBias
        stepMinimum = model.stepMinimum
        stepMaximum = model.stepMaximum
    }
}

extension Mamba1Mixer.Sizes {
    init(_ model: ModelSection) {
        self.init(
            width: model.hiddenSize, inner: model.mamba1Width, rank: model.mamba1Rank, stateSize: model.stateSize,
            taps: model.convolutionKernel, bias: model.mambaBias, convolutionBias: model.convolutionBias)
    }
}

extension MLP.Activation {
    init(_ activation: ModelSection.Activation) {
        self = switch activation {
        case .silu: .silu
        case .gelu: .gelu
        case .geluTanh: .geluTanh
        case .squaredReLU: .squaredReLU
        }
    }
}
