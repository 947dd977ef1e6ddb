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
        _ source: CheckpointSource, data: [String], tokenizer: String? = nil, sequenceLength: Int,
        sequencesMax: Int, on place: ComputePlace
    ) throws -> CheckpointEvaluation {
        let generator = try TextGenerator(source, tokenizer: tokenizer, on: place)
        let corpus = try DocumentSources.open(data, .validation, key: "--data", tokenizer: generator.tokenizer)
        let loader = SampleLoader(corpus: corpus, sequenceLength: sequenceLength, packing: .runOn, seed: nil)
        let all = loader.sampleCount()
        let (samples, _) = loader.take(sequencesMax > 0 ? min(sequencesMax, all) : all, from: DataPosition())
        var sum = 0.0
        for sample in samples {
            let batch = try loader.batch([sample])
            let shape = [batch.rows, batch.length]
            let tokens = try Tensor(batch.tokens, shape: shape).to(place.device)
            let targets = try Tensor(batch.targets, shape: shape).to(place.device)
            let documents = try Tensor(batch.sequenceIndex, shape: shape).to(place.device)
            sum += try noGrad { () throws(TorchError) in
                try autocast(place.products, on: place.device) { () throws(TorchError) in
                    try generator.model.lossSum(tokens, targets: targets, sequenceIndex: documents).item()
                }
            }
        }
        let targets = loader.targetCount(of: samples)
        return CheckpointEvaluation(
            checkpoint: source.folder, step: source.manifest.step, loss: sum / Double(max(1, targets)),
            targets: targets)
    }
}
