package import MoltCore

/// Serves training sequences by their global number: those of files (`SampleLoader`) or made ones (`SyntheticSamples`).
package protocol SampleSource: AnyObject {
    /// Changes with whatever decides which tokens a position means.
    var fingerprint: String { get }
    /// What the checkpoints record.
    var tokenizerName: String { get }
    var sequenceLength: Int { get }
    /// The positions of the next `count` samples, and the position after them.
    func take(_ count: Int, from position: DataPosition) -> (samples: [DataPosition], next: DataPosition)
    /// Sequences in the given epoch.
    func sampleCount(epoch: Int) -> Int
    /// Targets that the loss counts in the samples.
    func targetCount(of samples: some Sequence<DataPosition>) throws(UserError) -> Int
    func batch(_ samples: some Collection<DataPosition>) throws(UserError) -> TokenBatch
}

extension SampleSource {
    package func sampleCount() -> Int { sampleCount(epoch: 0) }
}

extension SampleLoader: SampleSource {
    package var tokenizerName: String { corpus.tokenizer.name }
}
