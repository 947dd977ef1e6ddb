package import MoltCore

/// Serves sequences of several sources in the proportions of a schedule.
///
/// A position is the number of the sequence in the run (its data epoch stays 0): which source it comes from, and which
/// of the source's own epochs and samples it is, follow from that number alone. So a run goes on from any position,
/// with any number of ranks, as if it had never stopped.
package final class BlendedLoader: SampleSource {
    package let schedule: BlendSchedule
    package let sequenceLength: Int
    package let tokenizerName: String
    private let sources: [SampleLoader]
    /// Sequences of each source before its epochs 0, 1, …, as far as they are known.
    private var epochStarts: [[Int]]

    /// - Parameter sources: of one sequence length, as many as the schedule has weights.
    package init(_ sources: [SampleLoader], schedule: BlendSchedule) throws(UserError) {
        guard let first = sources.first, sources.allSatisfy({ $0.sampleCount() > 0 }) else {
            throw UserError("a part of the blend has no documents", at: "data.train")
        }
        self.sources = sources
        self.schedule = schedule
        sequenceLength = first.sequenceLength
        tokenizerName = first.tokenizerName
        epochStarts = sources.map { _ in [0] }
    }

    package var fingerprint: String {
        let phases = schedule.phases.map { phase in
            "\(phase.weights.map { "\($0)" }.joined(separator: ":")) until \(phase.end.map(String.init) ?? "the end")"
        }
        return (sources.map(\.fingerprint) + phases).joined(separator: "; ")
    }

    package func take(
        _ count: Int, from position: DataPosition
    ) -> (samples: [DataPosition], next: DataPosition) {
        let end = position.sample + count
        return ((position.sample..<end).map { DataPosition(sample: $0) }, DataPosition(sample: end))
    }

    /// A blend has no epochs of its own.
    package func sampleCount(epoch: Int) -> Int { .max }

    package func targetCount(of samples: some Sequence<DataPosition>) -> Int {
        samples.reduce(0) { sum, sample in
            let (source, own) = place(sample)
            return sum + sources[source].targetCount(of: [own])
        }
    }

    package func batch(_ samples: some Collection<DataPosition>) throws(UserError) -> TokenBatch {
        var batch = TokenBatch(rows: 0, length: sequenceLength, tokens: [], targets: [], sequenceIndex: [])
        for sample in samples {
            let (source, own) = place(sample)
            let row = try sources[source].batch([own])
            batch.rows += 1
            batch.tokens += row.tokens
            batch.targets += row.targets
            batch.sequenceIndex += row.sequenceIndex
        }
        return batch
    }

    /// Which source a sample comes from, and its place there.
    package func place(_ sample: DataPosition) -> (source: Int, sample: DataPosition) {
        let (source, number) = schedule.turn(sample.sample)
        var starts = epochStarts[source]
        while number >= starts[starts.count - 1] {
            starts.append(starts[starts.count - 1] + sources[source].sampleCount(epoch: starts.count - 1))
        }
        epochStarts[source] = starts
        let epoch = (starts.firstIndex { $0 > number } ?? starts.count) - 1
        return (source, DataPosition(epoch: epoch, sample: number - starts[epoch]))
    }
}
