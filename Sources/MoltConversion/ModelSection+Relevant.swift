import MoltRecipe

extension ModelSection {
    /// The same model, with everything at its default that no layer of the pattern reads.
    var relevant: ModelSection {
        var plain = ModelSection(pattern: pattern, hiddenSize: hiddenSize, mambaHeads: 0)
        plain.takeWhole(self)
        let has = { (kind: LayerKind) in pattern.count(of: kind) > 0 }
        if has(.mamba) { plain.takeMamba(self) }
        if has(.mamba1) { (plain.innerSize, plain.stepRank) = (mamba1Width, mamba1Rank) }
        if has(.mamba) || has(.mamba1) {
            (plain.convolutionBias, plain.mambaBias) = (convolutionBias, mambaBias)
        }
        if has(.mamba) || has(.mamba1) || has(.s4d) || has(.dss) { plain.stateSize = stateSize }
        if has(.mamba) || has(.mamba1) || has(.recurrent) { plain.convolutionKernel = convolutionKernel }
        if has(.recurrent) { (plain.recurrentWidth, plain.recurrentBlocks) = (recurrentWidth, recurrentBlocks) }
        if has(.attention) || has(.window) { plain.takeAttention(self) }
        if has(.window) { plain.window = window }
        if has(.mlp) || has(.experts) { plain.activation = activation }
        if has(.mlp) {
            (plain.feedForwardSize, plain.feedForwardBias) = (feedForwardSize, feedForwardBias)
            // Granite's MLPs are gated whatever the key says.
            plain.gatedMLP = gatedMLP || family == .granite
        }
        if has(.experts) {
            (plain.experts, plain.expertsPerToken) = (experts, expertsPerToken)
            (plain.expertSize, plain.sharedExpertSize) = (expertSize, sharedExpertSize)
        }
        return plain
    }

    private mutating func takeWhole(_ model: ModelSection) {
        (family, vocabularySize, tiedEmbeddings) = (model.family, model.vocabularySize, model.tiedEmbeddings)
        (normEpsilon, normPlusOne) = (model.normEpsilon, model.normPlusOne)
        (embeddingMultiplier, residualMultiplier) = (model.embeddingMultiplier, model.residualMultiplier)
        (logitsDivisor, logitsSoftcap) = (model.logitsDivisor, model.logitsSoftcap)
        mixersEnabled = model.mixersEnabled
    }

    private mutating func takeMamba(_ model: ModelSection) {
        (mambaHeads, mambaHeadSize, groups) = (model.mambaHeads, model.mambaHeadSize, model.groups)
        (stepMinimum, stepMaximum) = (model.stepMinimum, model.stepMaximum)
        (gatedNormGroups, normBeforeGate) = (model.gatedNormGroups ?? model.groups, model.normBeforeGate)
    }

    private mutating func takeAttention(_ model: ModelSection) {
        (attentionHeads, keyValueHeads) = (model.attentionHeads, model.keyValueHeads)
        (attentionHeadSize, attentionConvolution) = (model.attentionHeadSize, model.attentionConvolution)
        (attentionBias, attentionOutputBias) = (model.attentionBias, model.attentionOutputBias)
        attentionScale = model.attentionScale ?? 1 / Double(max(1, model.attentionHeadSize)).squareRoot()
        (attentionSoftcap, rotaryShare) = (model.attentionSoftcap, model.rotaryShare)
        guard rotaryShare > 0 else { return }
        (rotaryBase, rotaryScaling) = (model.rotaryBase, model.rotaryScaling)
        if rotaryScaling != .none { rotaryFactor = model.rotaryFactor }
    }
}
