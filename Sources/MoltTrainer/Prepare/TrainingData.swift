import MoltCore
import MoltData
import MoltRecipe

/// Opens the training and the validation data of a plan.
struct TrainingData {
    let plan: TrainingPlan
    let tokenizer: any Tokenizer
    let chat: (any ChatRenderer)?
    let beat: () -> Void

    func open() throws(UserError) -> (training: any SampleSource, validation: (any SampleSource)?) {
        if plan.recipe.prefers { return try pairs() }
        if let synthetic = plan.data.synthetic { return try SyntheticData.loaders(synthetic, plan, tokenizer) }
        let held = plan.data.validation
        return (try training(), held.isEmpty ? nil : try loader(held, .validation, seed: nil))
    }

    private func pairs() throws(UserError) -> (training: any SampleSource, validation: (any SampleSource)?) {
        func pairs(_ paths: [String], _ split: DataSplit, seed: UInt64?) throws(UserError) -> PreferencePairs {
            try PreferencePairs(
                paths, split, key: "data.\(split.rawValue)", tokenizer: tokenizer, chat: chat,
                excluding: split == .train ? try heldFiles() : [], sequenceLength: plan.data.sequenceLength, seed: seed,
                beat: beat)
        }
        let seed = UInt64(bitPattern: Int64(plan.data.shuffleSeed ?? plan.recipe.train.seed))
        let held = plan.data.validation
        return (
            try pairs(plan.data.train, .train, seed: seed),
            held.isEmpty ? nil : try pairs(held, .validation, seed: nil)
        )
    }

    /// The validation files, which a folder or a glob must not contribute to the training.
    private func heldFiles() throws(UserError) -> Set<String> {
        let held = plan.data.validation.filter(DocumentSources.isPlain)
        guard !held.isEmpty else { return [] }
        return Set(try DataPaths.resolve(held, key: "data.validation").map(DataPaths.identity(of:)))
    }

    private func training() throws(UserError) -> any SampleSource {
        let seed = UInt64(bitPattern: Int64(plan.data.shuffleSeed ?? plan.recipe.train.seed))
        guard let phases = plan.data.phases ?? plan.data.blend.map({ [BlendPhase(until: nil, blend: $0)] }) else {
            return try loader(plan.data.train, .train, seed: seed)
        }
        var paths: [String] = []
        for path in phases.flatMap(\.blend).map(\.path) where !paths.contains(path) { paths.append(path) }
        var sources: [SampleLoader] = []
        for (index, path) in paths.enumerated() {
            // Sources of equal sizes must not be shuffled alike.
            sources.append(try loader([path], .train, seed: seed &+ UInt64(index) &* 0x9E37_79B9_7F4A_7C15))
        }
        let total = plan.steps.times(plan.recipe.train.globalBatch)
        let schedule = BlendSchedule(
            phases.map { phase in
                BlendSchedule.Phase(
                    end: phase.until.map { $0.sequences(of: total, length: plan.data.sequenceLength) },
                    weights: paths.map { path in
                        phase.blend.reduce(0) { $0 + ($1.path == path ? $1.weight : 0) }
                    })
            })
        return try BlendedLoader(sources, schedule: schedule)
    }

    private func loader(_ paths: [String], _ split: DataSplit, seed: UInt64?) throws(UserError) -> SampleLoader {
        let source = try DocumentSources.open(
            paths, split, key: "data.\(split.rawValue)", tokenizer: tokenizer, chat: chat,
            excluding: split == .train ? try heldFiles() : [], beat: beat)
        try PackedEpoch.check(source, sequenceLength: plan.data.sequenceLength)
        return SampleLoader(
            corpus: source, sequenceLength: plan.data.sequenceLength, packing: Packing(plan.data.packing), seed: seed)
    }
}

extension BlendPhase.Until {
    /// Sequences of the run before this end.
    /// - Parameters:
    ///   - total: sequences of the whole run.
    ///   - length: tokens of a sequence.
    func sequences(of total: Int, length: Int) -> Int {
        switch self {
        case .share(let share): Int(bounded: (Double(total) * share).rounded())
        case .tokens(let tokens): (tokens + length / 2) / length
        }
    }
}
