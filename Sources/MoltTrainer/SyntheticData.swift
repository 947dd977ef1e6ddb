import MoltCore
import MoltData
import MoltRecipe

/// The made sequences that a recipe's `data.synthetic` means.
enum SyntheticData {
    /// Those of training and of validation, which never meet: their seeds differ.
    static func loaders(
        _ section: SyntheticSection, _ plan: TrainingPlan, _ tokenizer: any Tokenizer
    ) throws(UserError) -> (any SampleSource, (any SampleSource)?) {
        let task = try task(section, tokenizer)
        let seed = plan.data.shuffleSeed ?? plan.recipe.train.seed
        if let recall = task as? RecallTask, let rows = plan.model.vocabularySize, recall.keys + recall.values > rows {
            throw UserError(
                "\(recall.keys) keys and \(recall.values) values are more than the model's \(rows) token ids",
                at: "data.synthetic", fix: "raise model.vocab_size to \(recall.keys + recall.values)")
        }
        func samples(_ mask: UInt64, _ count: Int) throws(UserError) -> SyntheticSamples {
            try SyntheticSamples(
                task, sequenceLength: plan.data.sequenceLength, tokenizer: tokenizer,
                seed: UInt64(bitPattern: Int64(seed)) ^ mask, perEpoch: count)
        }
        let held = max(1, plan.recipe.train.evaluateSequences)
        return (try samples(0, Limits.syntheticSamples), try samples(heldOut, held))
    }

    /// What a seed is changed with for sequences that training does not see.
    static let heldOut: UInt64 = 0x5EED_0F_7E57

    static func task(_ section: SyntheticSection, _ tokenizer: any Tokenizer) throws(UserError) -> any SyntheticTask {
        guard let range = section.range, section.problem == nil else {
            throw UserError(section.problem ?? "no usable size", at: "data.synthetic.size")
        }
        switch section.task {
        case .recall:
            return RecallTask(
                pairs: range, keys: section.keys, values: section.values, queries: section.queries)
        case .phoneBook:
            return PhoneBookTask(
                entries: range, digits: section.digits, queries: section.queries ?? 3, tokenizer: tokenizer)
        }
    }
}
