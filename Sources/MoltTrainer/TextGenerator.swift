import MoltCore
package import MoltData
package import MoltModels

/// Continues texts with a trained model; its memory does not grow with Mamba-2 layers alone, and never reads a token
/// twice.
package struct TextGenerator {
    package let model: HybridModel
    package let tokenizer: any Tokenizer
    /// Called again and again while it works; what it throws ends the work.
    package var beat: () throws -> Void = {}

    package init(_ source: CheckpointSource) throws {
        tokenizer = try TokenizerCopy.open(of: source)
        model = try ModelLoader.model(of: source)
    }

    package init(model: HybridModel, tokenizer: any Tokenizer) {
        self.model = model
        self.tokenizer = tokenizer
    }

    /// Ids that stand for no text can be scored, but not chosen.
    func allowed(_ scores: [Float]) -> [Float] {
        var scores = scores
        let specials = tokenizer.specials
        for id in scores.indices
        where id >= tokenizer.vocabularySize || id != specials.end && (id == specials.begin || id == specials.padding) {
            scores[id] = -.infinity
        }
        return scores
    }
}
