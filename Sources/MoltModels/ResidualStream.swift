import MoltNN
import MoltTensor

/// The sum that runs through the model. What a layer gives is kept apart until the next norm, which adds it and norms
/// the sum in one pass over memory.
struct ResidualStream {
    private var sum: Tensor
    private var pending: Tensor?
    /// What contributions are multiplied with.
    private let multiplier: Double

    /// - Parameter isWide: the sum is kept in fp32 even where the embeddings are narrower. Under autocast they are not.
    init(_ start: Tensor, isWide: Bool, multiplier: Double = 1) throws(TorchError) {
        sum = isWide && start.dtype != .float64 ? try start.to(.float32) : start
        self.multiplier = multiplier
    }

    mutating func add(_ contribution: Tensor) throws(TorchError) {
        precondition(pending == nil, "a contribution is still to be added")
        pending = multiplier == 1 ? contribution : try contribution * multiplier
    }

    /// The norm of the sum, in the type of what is added: the products that follow would round it to that.
    mutating func normed(by norm: RMSNorm) throws(TorchError) -> Tensor {
        guard let contribution = pending else { return try norm(sum) }
        let (normed, total) = try norm.adding(contribution, to: sum)
        (sum, pending) = (total, nil)
        return normed
    }

    /// The norm of the sum in the sum's own type, for what computes with it before any product does.
    mutating func normedWide(by norm: RMSNorm) throws(TorchError) -> Tensor {
        if let contribution = pending { (sum, pending) = (try sum + contribution, nil) }
        return try norm(sum)
    }
}
