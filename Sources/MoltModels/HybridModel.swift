package import MoltNN
package import MoltRecipe
package import MoltTensor

/// A language model of the pattern's layers in any order, under the names of its Hugging Face family.
///
/// | parameter (of Nemotron-H; `ParameterNames` has the others) | shape | first values | decay |
/// |---|---|---|---|
/// | backbone.embeddings.weight | [vocabulary, d] | normal, deviation `initializer_range` | yes |
/// | backbone.layers.N.norm.weight | [d] | 1, or 0 where 1 is added | no |
/// | backbone.layers.N.mixer.{q,k,v}_proj.weight, {gate,up}_proj.weight | [out, in] | uniform ±1/√in | yes |
/// | backbone.layers.N.mixer.{o,down}_proj.weight | [d, in] | uniform ±1/√in, divided by √layers | yes |
/// | backbone.norm_f.weight | [d] | as before layers | no |
/// | lm_head.weight, unless tied to the embeddings | [vocabulary, d] | uniform ±1/√d | yes |
///
/// The mixers' own stand where they are defined. First values are mamba_ssm's, where the MLP's and attention's output
/// projections count as residual branches too.
package final class HybridModel {
    package let section: ModelSection
    package let registry: ParameterRegistry
    package let embeddings: Embedding
    package let blocks: [Block]
    package let norm: RMSNorm
    /// Nil when the embeddings serve as the head.
    package let head: Linear?
    /// Trained embeddings before every document, where a method has put them.
    package internal(set) var prompt: VirtualTokens?

    package init(_ section: ModelSection, registry: ParameterRegistry = ParameterRegistry()) throws {
        try section.validateForTraining()
        guard let vocabulary = section.vocabularySize else { throw ModelError.missingVocabularySize }
        self.section = section
        self.registry = registry
        let root = registry.root, names = ParameterNames(section.family)
        embeddings = try Embedding(
            root / names.embeddings, count: vocabulary, width: section.hiddenSize,
            deviation: section.initializerRange)
        var blocks: [Block] = []
        for (index, kind) in section.pattern.layers.enumerated() where section.mixersEnabled || kind.isFeedForward {
            blocks.append(try Block(root, index, kind, section))
        }
        self.blocks = blocks
        norm = try RMSNorm(
            root / names.finalNorm, width: section.hiddenSize, epsilon: section.normEpsilon,
            plusOne: section.normPlusOne)
        head = section.tiedEmbeddings ? nil : try Linear(root / "lm_head", section.hiddenSize, vocabulary)
    }

    package var device: Device { registry.device }

    /// The hidden states after the last norm, [b, s, d].
    /// - Parameters:
    ///   - tokens: [b, s], int64.
    ///   - sequenceIndex: [b, s], int32: the document of each token when sequences are packed; it never falls.
    ///   - state: continues earlier tokens (see `step`).
    package func hidden(
        _ tokens: Tensor, sequenceIndex: Tensor? = nil, state: GenerationState? = nil
    ) throws(TorchError) -> Tensor {
        let batch = tokens.size(0), prompt = registry.usesAdapters ? prompt : nil
        let places = try prompt?.places(
            batch: batch, length: tokens.size(1), documents: sequenceIndex, past: state?.position ?? 0,
            on: tokens.device)
        let count = places?.length ?? tokens.size(1), documents = places.map(\.documents) ?? sequenceIndex
        let context =
            if let state {
                try state.context(batch: batch, count: count, documents: documents, on: tokens.device)
            } else {
                try SequenceContext(count: count, documents: documents, on: tokens.device)
            }
        var start = try embeddings(tokens)
        if let prompt, let places { start = try places.insert(prompt.embeddings(), into: start) }
        if section.embeddingMultiplier != 1 { start = try start * section.embeddingMultiplier }
        var stream = try ResidualStream(
            start, isWide: section.residualInFP32, multiplier: section.residualMultiplier)
        for (index, block) in blocks.enumerated() {
            try block(&stream, context, state: state?.layers[index] ?? .none)
        }
        let normed = try stream.normedWide(by: norm)
        return try places?.extract(normed) ?? normed
    }

    /// Scores of every next token, [b, s, vocabulary]; large, so training goes through `lossSum` instead.
    package func logits(_ hidden: Tensor) throws(TorchError) -> Tensor {
        let hidden = try divided(hidden)
        let scores = if let head { try head(hidden) } else { try hidden.linear(embeddings.weight.value) }
        guard let cap = section.logitsSoftcap else { return scores }
        return try (scores / cap).tanh() * cap
    }

    /// What scores are divided by goes into the hidden states, which are fewer.
    func divided(_ hidden: Tensor) throws(TorchError) -> Tensor {
        section.logitsDivisor == 1 ? hidden : try hidden / section.logitsDivisor
    }

    /// The summed cross-entropy of `targets` [b, s] (`CrossEntropy.ignored` where there is none), in fp32.
    package func lossSum(
        _ tokens: Tensor, targets: Tensor, sequenceIndex: Tensor? = nil
    ) throws(TorchError) -> Tensor {
        let hidden = try divided(hidden(tokens, sequenceIndex: sequenceIndex))
        return try CrossEntropy.sum(
            hidden: hidden, weight: headWeight(), targets: targets, softcap: section.logitsSoftcap)
    }

    /// The weight that turns hidden states into scores, an adapter's part included.
    package func headWeight() throws(TorchError) -> Tensor {
        guard let head else { return embeddings.weight.value }
        return try head.effectiveWeight()
    }

    /// What a checkpoint says about the architecture, so that another one is refused by name.
    package var architecture: [String: String] { section.architecture }
}
