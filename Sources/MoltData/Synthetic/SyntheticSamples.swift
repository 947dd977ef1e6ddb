package import MoltCore

/// Sequences that are made when they are wanted: number i of an epoch depends on the seed, the epoch and i alone.
package final class SyntheticSamples: SampleSource {
    package let task: any SyntheticTask
    package let sequenceLength: Int
    package let tokenizerName: String
    private let seed: UInt64
    private let perEpoch: Int
    private let padding: Int64

    /// - Parameters:
    ///   - seed: another one gives other sequences.
    ///   - perEpoch: sequences until the epoch of the data counts one further.
    package init(
        _ task: any SyntheticTask, sequenceLength: Int, tokenizer: any Tokenizer, seed: UInt64, perEpoch: Int
    ) throws(UserError) {
        guard task.lengthMax - 1 <= sequenceLength else {
            throw UserError(
                "sequences of \(sequenceLength) tokens do not hold a \(task.name)", at: "data.sequence_length",
                fix: "raise it to \(task.lengthMax - 1)")
        }
        self.task = task
        self.sequenceLength = sequenceLength
        self.seed = seed
        self.perEpoch = max(1, perEpoch)
        tokenizerName = tokenizer.name
        padding = Int64(tokenizer.specials.padding)
    }

    package var fingerprint: String { "synthetic \(task.name), seed \(seed)" }

    package func take(_ count: Int, from position: DataPosition) -> (samples: [DataPosition], next: DataPosition) {
        var next = position
        let samples = (0..<count).map { _ in
            if next.sample >= perEpoch { next = DataPosition(epoch: next.epoch + 1) }
            defer { next.sample += 1 }
            return next
        }
        return (samples, next)
    }

    package func sampleCount(epoch: Int) -> Int { perEpoch }

    package func sample(_ position: DataPosition) throws(UserError) -> SyntheticSample {
        var generator = SeededGenerator(seed, UInt64(position.epoch), UInt64(position.sample))
        return try task.sample(&generator)
    }

    package func targetCount(of samples: some Sequence<DataPosition>) throws(UserError) -> Int {
        var count = 0
        for position in samples { count += try sample(position).answers.reduce(0) { $0 + $1.count } }
        return count
    }

    package func batch(_ samples: some Collection<DataPosition>) throws(UserError) -> TokenBatch {
        var batch = TokenBatch(
            rows: samples.count, length: sequenceLength, tokens: [], targets: [], sequenceIndex: [])
        for position in samples {
            let sample = try sample(position), count = sample.tokens.count - 1
            var targets = [Int64](repeating: TokenBatch.ignored, count: sequenceLength)
            for answer in sample.answers {
                for index in answer { targets[index - 1] = Int64(sample.tokens[index]) }
            }
            let room = sequenceLength - count
            batch.tokens += sample.tokens.dropLast().map(Int64.init) + [Int64](repeating: padding, count: room)
            batch.targets += targets
            batch.sequenceIndex += [Int32](repeating: 0, count: count) + [Int32](repeating: 1, count: room)
        }
        return batch
    }
}
