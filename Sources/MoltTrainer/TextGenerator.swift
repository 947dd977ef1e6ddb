import MoltConversion
import MoltCore
package import MoltData
package import MoltModels

/// Continues texts with a trained model; its memory does not grow with Mamba-2 layers alone, and never reads a token
/// twice.
package struct TextGenerator {
    package let model: HybridModel
    package let tokenizer: any Tokenizer
    /// What the model reads before a text.
    let prefix: [Int32]
    /// Any of these ends a text.
    let ends: Set<Int32>
    /// Whether Molt trained it: its documents began and ended with the tokenizer's tokens for that.
    let isOwn: Bool
    /// Where the model is.
    package let place: ComputePlace
    /// Called again and again while it works; what it throws ends the work.
    package var beat: () throws -> Void = {}

    /// - Parameter named: a tokenizer in place of the model's own.
    package init(_ source: CheckpointSource, tokenizer named: String? = nil, on place: ComputePlace) throws {
        let tokenizer = try TokenizerCopy.open(of: source, named: named)
        let framing = try source.manifest.framing(at: source.folder)
        self.tokenizer = tokenizer
        isOwn = framing.begins
        prefix = isOwn ? [tokenizer.specials.begin] : tokenizer.prefix
        ends = Set(framing.ends.compactMap(Int32.init(exactly:))).union([tokenizer.specials.end])
        model = try ModelLoader.model(of: source, on: place)
        self.place = place
    }

    /// For a model in fp32 in the memory of this machine.
    package init(model: HybridModel, tokenizer: any Tokenizer) {
        self.model = model
        place = .cpu
        self.tokenizer = tokenizer
        isOwn = true
        prefix = [tokenizer.specials.begin]
        ends = [tokenizer.specials.end]
    }

    /// The first token is predicted from something, even where nothing stands before texts.
    func framed(_ tokens: [Int32]) -> [Int32] {
        let all = prefix + tokens
        return all.isEmpty ? [tokenizer.specials.begin] : all
    }

    /// Ids that stand for no text can be scored, but not chosen.
    func allowed(_ scores: [Float]) -> [Float] {
        var scores = scores
        let specials = tokenizer.specials
        for id in scores.indices
        where id >= tokenizer.vocabularySize
            || !ends.contains(Int32(id)) && (id == specials.begin || id == specials.padding)
        {
            scores[id] = -.infinity
        }
        return scores
    }
}
