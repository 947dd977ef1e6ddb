package import MoltCore
import MoltData

/// The yardstick of a byte-level model on a split: an interpolated bigram model's validation loss.
package struct BigramReport: Codable, Sendable {
    /// Nats a target.
    package var loss: Double
    package var targets: Int

    package static func run(train: [String], validation: [String]) throws(UserError) -> BigramReport {
        let held = try DataPaths.resolve(validation, key: "--validation")
        let files = try DataPaths.resolve(
            train, key: "--train", excluding: Set(held.map(DataPaths.identity(of:))))
        let model = try BigramModel(fittedTo: Corpus(files: files, tokenizer: ByteTokenizer()))
        let (loss, targets) = try model.loss(on: Corpus(files: held, tokenizer: ByteTokenizer()))
        return BigramReport(loss: loss, targets: targets)
    }
}
