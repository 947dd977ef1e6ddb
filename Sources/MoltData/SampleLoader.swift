package import MoltCore

/// Where a run is in its data: a number of data epochs and of samples, in an order that knows nothing of ranks.
package struct DataPosition: Codable, Hashable, Sendable {
    package var epoch: Int
    /// The next sample of this epoch.
    package var sample: Int

    package init(epoch: Int = 0, sample: Int = 0) {
        self.epoch = epoch
        self.sample = sample
    }
}

/// Serves packed sequences by their global number.
///
/// The order depends on the documents and the seed alone; ranks take disjoint parts of each global batch. A run that
/// goes on with another number of ranks therefore sees the same batches.
package final class SampleLoader {
    package let corpus: any DocumentSource
    package let sequenceLength: Int
    private let packing: Packing
    private let seed: UInt64?
    private var plans: [(epoch: Int, plan: PackedEpoch)] = []

    /// - Parameter seed: nil serves documents in the order of the files (validation).
    package init(corpus: any DocumentSource, sequenceLength: Int, packing: Packing, seed: UInt64?) {
        self.corpus = corpus
        self.sequenceLength = sequenceLength
        self.packing = packing
        self.seed = seed
    }

    /// Changes with whatever decides which tokens a position means.
    package var fingerprint: String {
        let order = seed.map { "seed \($0)" } ?? "in order"
        let cut = "\(packing.inWords) at \(sequenceLength)"
        return "\(corpus.fingerprint), \(corpus.tokenizer.name), \(cut), \(order)"
    }

    /// The positions of the next `count` samples, and the position after them; epochs follow each other without a gap.
    package func take(_ count: Int, from position: DataPosition) -> (samples: [DataPosition], next: DataPosition) {
        var samples: [DataPosition] = []
        var next = position
        while samples.count < count {
            let available = plan(next.epoch).sequenceCount
            if next.sample >= available {
                next = DataPosition(epoch: next.epoch + 1)
                continue
            }
            samples.append(next)
            next.sample += 1
        }
        return (samples, next)
    }

    /// Sequences in the given epoch.
    package func sampleCount(epoch: Int = 0) -> Int { plan(epoch).sequenceCount }

    package func targetCount(of samples: some Sequence<DataPosition>) -> Int {
        samples.reduce(0) { $0 + plan($1.epoch).targetCount(ofSample: $1.sample) }
    }

    package func batch(_ samples: some Collection<DataPosition>) throws(UserError) -> TokenBatch {
        var batch = TokenBatch(
            rows: samples.count, length: sequenceLength, tokens: [], targets: [], sequenceIndex: [])
        batch.tokens.reserveCapacity(samples.count * sequenceLength)
        batch.targets.reserveCapacity(samples.count * sequenceLength)
        batch.sequenceIndex.reserveCapacity(samples.count * sequenceLength)
        for sample in samples { try append(sample, to: &batch) }
        return batch
    }

    private func append(_ sample: DataPosition, to batch: inout TokenBatch) throws(UserError) {
        let plan = plan(sample.epoch)
        var filled = 0
        var number: Int32 = 0
        for piece in plan.pieces(ofSample: sample.sample) {
            let end = piece.offset + piece.count
            let targets = plan.targets(of: piece)
            // One token further than the piece, where the document has it: the target of the last position.
            let last = max(end, targets.last?.upperBound ?? end)
            let tokens = try corpus.tokens(of: piece.document, in: piece.offset..<last).map(Int64.init)
            let first = batch.targets.count
            batch.tokens += tokens.prefix(piece.count)
            batch.targets += Array(repeating: TokenBatch.ignored, count: piece.count)
            batch.sequenceIndex += Array(repeating: number, count: piece.count)
            for target in targets.joined() {
                batch.targets[first + target - piece.offset - 1] = tokens[target - piece.offset]
            }
            filled += piece.count
            number += 1
        }
        let padding = sequenceLength - filled
        batch.tokens += Array(repeating: Int64(corpus.tokenizer.specials.padding), count: padding)
        batch.targets += Array(repeating: TokenBatch.ignored, count: padding)
        batch.sequenceIndex += Array(repeating: number, count: padding)
    }

    private func plan(_ epoch: Int) -> PackedEpoch {
        if let found = plans.first(where: { $0.epoch == epoch }) { return found.plan }
        let plan = PackedEpoch(
            shapes: corpus.shapes, sequenceLength: sequenceLength, packing: packing, seed: seed, epoch: epoch)
        // A batch may straddle two epochs; no more are wanted at a time.
        plans = plans.suffix(1) + [(epoch, plan)]
        return plan
    }
}

extension Packing {
    fileprivate var inWords: String {
        switch self {
        case .none: "apart"
        case .runOn: "packed"
        case .bestFit: "packed by best fit"
        }
    }
}
