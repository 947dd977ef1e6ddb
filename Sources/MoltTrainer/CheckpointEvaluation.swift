import MoltCore
import MoltData
import MoltModels
import MoltTensor

/// The mean loss of a saved model over files, each target counted once.
package struct CheckpointEvaluation: Codable, Sendable {
    package var checkpoint: String
    package var step: Int
    /// Nats a target.
    package var loss: Double
    package var targets: Int

    package static func run(
        _ source: CheckpointSource, data: [String], tokenizer: String? = nil, sequenceLength: Int, sequencesMax: Int
    ) throws -> CheckpointEvaluation {
        let generator = try TextGenerator(source, tokenizer: tokenizer)
        let corpus = try DocumentSources.open(data, .validation, key: "--data", tokenizer: generator.tokenizer)
        let loader = SampleLoader(corpus: corpus, sequenceLength: sequenceLength, packing: .runOn, seed: nil)
        let all = loader.sampleCount()
        let (samples, _) = loader.take(sequencesMax > 0 ? min(sequencesMax, all) : all, from: DataPosition())
        var sum = 0.0
        for sample in samples {
            let batch = try loader.batch([sample])
            let shape = [batch.rows, batch.length]
            sum += try noGrad {
                try generator.model.lossSum(
                    Tensor(batch.tokens, shape: shape), targets: Tensor(batch.targets, shape: shape),
                    sequenceIndex: Tensor(batch.sequenceIndex, shape: shape)
                ).item()
            }
        }
        let targets = loader.targetCount(of: samples)
        return CheckpointEvaluation(
            checkpoint: source.folder, step: source.manifest.step, loss: sum / Double(max(1, targets)),
            targets: targets)
    }
}
