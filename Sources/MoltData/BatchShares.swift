package import MoltCore

/// How a global batch is split over ranks and micro-batches.
package struct BatchShares: Equatable, Sendable {
    package let globalBatch: Int
    package let microBatch: Int
    package let rank: Int
    package let ranks: Int

    package init(globalBatch: Int, microBatch: Int, rank: Int, ranks: Int) throws(UserError) {
        guard globalBatch > 0, microBatch > 0 else {
            throw UserError("global_batch and micro_batch must be at least 1", at: "train")
        }
        guard globalBatch % ranks == 0 else {
            throw UserError(
                "a global batch of \(globalBatch) sequences cannot be split evenly over \(ranks) ranks",
                at: "train.global_batch", fix: "use a multiple of \(ranks)")
        }
        self.globalBatch = globalBatch
        self.microBatch = microBatch
        self.rank = rank
        self.ranks = ranks
    }

    /// This rank's part of the samples of a global batch, cut into micro-batches; the last may be smaller.
    package func microBatches(_ samples: [DataPosition]) -> [ArraySlice<DataPosition>] {
        let share = samples.count / ranks
        let own = samples[(rank * share)..<((rank + 1) * share)]
        return stride(from: own.startIndex, to: own.endIndex, by: microBatch).map {
            own[$0..<min($0 + microBatch, own.endIndex)]
        }
    }

    /// This rank's part of any number of samples (validation), in micro-batches. All ranks get equally many, so that
    /// they can agree before each; the last may be empty.
    package func validationBatches(_ samples: [DataPosition]) -> [ArraySlice<DataPosition>] {
        let own = Array(stride(from: rank, to: samples.count, by: ranks).map { samples[$0] })
        let largest = (samples.count + ranks - 1) / ranks
        return stride(from: 0, to: largest, by: microBatch).map {
            own[min($0, own.count)..<min($0 + microBatch, own.count)]
        }
    }
}
