package import MoltTensor

/// The loss of next-token prediction, taken over chunks of rows so that the logits of a batch never exist at once.
package enum CrossEntropy {
    private static let operation = Operator("molt::cross_entropy")

    /// Targets with this value count for nothing.
    package static let ignored = -100

    /// The sum (not the mean) over all targets, in fp32: a rank divides by what all ranks agree on.
    /// - Parameters:
    ///   - hidden: [b, s, d], after the last norm.
    ///   - weight: [vocabulary, d].
    ///   - targets: [b, s], `ignored` where there is none.
    ///   - softcap: c · tanh(score / c) in place of every score.
    package static func sum(
        hidden: Tensor, weight: Tensor, targets: Tensor, softcap: Double? = nil
    ) throws(TorchError) -> Tensor {
        guard hidden.hasKernels else {
            return try CrossEntropyReference.sum(hidden: hidden, weight: weight, targets: targets, softcap: softcap)
        }
        return try operation.results(
            hidden.flatten(through: -2), weight, targets.flatten(), Tensor?.none, chunk(vocabulary: weight.size(0)),
            softcap ?? 0
        ).tensor(0)
    }

    /// Rows whose logits exist at once: 64 MiB of them, within reason.
    static func chunk(vocabulary: Int) -> Int {
        max(64, min(2048, (16 << 20) / vocabulary))
    }
}

/// The same with the full logits, in plain operators.
package enum CrossEntropyReference {
    package static func sum(
        hidden: Tensor, weight: Tensor, targets: Tensor, softcap: Double? = nil
    ) throws(TorchError) -> Tensor {
        let rows = try hidden.flatten(through: -2)
        let logits = try rows.linear(weight, nil)
        var wide = try logits.to(logits.dtype == .float64 ? .float64 : .float32)
        if let softcap { wide = try (wide / softcap).tanh() * softcap }
        return try wide.crossEntropy(targets.flatten(), reduction: .sum, ignoring: CrossEntropy.ignored)
    }
}
