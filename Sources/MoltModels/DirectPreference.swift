import MoltNN
import MoltRecipe
package import MoltTensor

/// Direct preference optimization (Rafailov et al. 2023). For a better answer w and a worse one l to a prompt x:
///
///     h    = β · [(log π(w|x) − log ρ(w|x)) − (log π(l|x) − log ρ(l|x))]
///     loss = −(1 − ε) · log σ(h) − ε · log σ(−h)
///
/// with π the model in training, ρ the frozen reference and ε the share of pairs that are labelled the wrong way round.
package struct DirectPreference: Hashable, Sendable {
    package var beta: Double
    package var smoothing: Double

    package init(beta: Double, smoothing: Double = 0) {
        self.beta = beta
        self.smoothing = smoothing
    }

    package struct Result {
        /// Summed over the pairs, in fp32 at least.
        package let lossSum: Tensor
        /// h of each pair, a constant: how much more the model prefers the better answer than the reference does.
        package let margins: Tensor
    }

    /// - Parameters: log π and log ρ of rows, better and worse answers in turn, [2·pairs].
    package func callAsFunction(policy: Tensor, reference: Tensor) throws(TorchError) -> Result {
        let ratio_p2 = try (policy - reference).reshape([-1, 2])
        let h_p = try (ratio_p2.select(1, 0) - ratio_p2.select(1, 1)) * beta
        // −log σ(h) is softplus(−h).
        var loss = try (-h_p).softplus() * (1 - smoothing)
        if smoothing > 0 { loss = try loss + h_p.softplus() * smoothing }
        return Result(lossSum: try loss.sum(), margins: try noGrad { () throws(TorchError) in try h_p * 1 })
    }
}

extension HybridModel {
    /// log p of each row's targets, [b], in fp32 at least; a row is one document, padded on the right.
    package func logProbabilities(_ tokens: Tensor, targets: Tensor) throws(TorchError) -> Tensor {
        let hidden = try divided(hidden(tokens)), weight = try headWeight()
        var rows: [Tensor] = []
        for row in 0..<tokens.size(0) {
            let sum = try CrossEntropy.sum(
                hidden: hidden.narrow(0, from: row, length: 1), weight: weight,
                targets: targets.narrow(0, from: row, length: 1), softcap: section.logitsSoftcap)
            rows.append(try -sum)
        }
        return try Tensor.stack(rows)
    }
}
