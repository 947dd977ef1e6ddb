import MoltNN
import MoltTensor

/// The sum that runs through the model. What a layer gives is kept apart until the next norm, which adds it and norms
/// the sum in one pass over memory.
struct ResidualStream {
    private var sum: Tensor
    private var pending: Tensor?
    /// Whether the sum keeps the embeddings' type (fp32 under autocast), or takes that of what is added.
    private let keepsType: Bool
    /// What contributions are multiplied with.
    private let multiplier: Double

    init(_ start: Tensor, keepsType: Bool, multiplier: Double = 1) {
        sum = start
        self.keepsType = keepsType
        self.multiplier = multiplier
    }

    mutating func add(_ contribution: Tensor) throws(TorchError) {
        precondition(pending == nil, "a contribution is still to be added")
        if !keepsType { sum = try sum.to(contribution.dtype) }
        pending = multiplier == 1 ? contribution : try contribution * multiplier
    }

    mutating func normed(by norm: RMSNorm) throws(TorchError) -> Tensor {
        guard let contribution = pending else { return try norm(sum) }
        let (normed, total) = try norm.adding(contribution, to: sum)
        (sum, pending) = (total, nil)
        return normed
    }
}
