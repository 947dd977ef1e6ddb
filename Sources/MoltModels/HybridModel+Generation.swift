package import MoltTensor

extension HybridModel {
    /// An empty memory for this model.
    package func generationState() -> GenerationState {
        GenerationState(layers: blocks.map { $0.freshState() })
    }

    /// Reads `tokens` [b, s] after those that `state` has seen, and returns the scores of the token that follows,
    /// [b, vocabulary]. A prompt takes one call, and every generated token one more; the prefix is never read again.
    /// - Parameter sequenceIndex: [b, s], the document of each token: padding on the left is one of its own.
    package func step(
        _ tokens: Tensor, _ state: GenerationState, sequenceIndex: Tensor? = nil
    ) throws(TorchError) -> Tensor {
        try noGrad { () throws(TorchError) in
            let hidden = try hidden(tokens, sequenceIndex: sequenceIndex, state: state)
            return try logits(hidden.select(1, -1))
        }
    }
}
