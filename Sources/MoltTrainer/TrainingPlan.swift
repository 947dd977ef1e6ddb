package import MoltCore
import MoltData
package import MoltOptim
package import MoltRecipe

/// The numbers of a training run, derived from its recipe and checked before anything is built.
package struct TrainingPlan: Sendable {
    package let recipe: Recipe
    package let data: DataSection
    package let model: ModelSection
    /// Optimizer steps of the whole run.
    package let steps: Int
    package let schedule: Schedule
    package let threads: Int
    let shares: BatchShares

    package init(
        _ recipe: Recipe, model: ModelSection, vocabularySize: Int, rank: Int, ranks: Int
    ) throws(UserError) {
        guard recipe.task == .pretrain || recipe.task == .finetune else {
            throw UserError("the task '\(recipe.task.rawValue)' is not training", at: "task")
        }
        guard let data = recipe.data, !data.train.isEmpty || data.synthetic != nil else {
            throw UserError("the recipe has no training data", at: "data.train")
        }
        guard recipe.parallel.tensor == 1, recipe.parallel.pipeline == 1 else {
            throw UserError(
                Unavailable.words([.tensor, .pipeline]), at: "parallel",
                fix: "leave both at 1: data parallelism uses all ranks")
        }
        guard !recipe.method.type.adapts || recipe.initFrom != nil else {
            throw UserError("adapters stand on a model that is there already", at: "init_from", fix: "name one")
        }
        var model = model
        if model.vocabularySize == nil { model.vocabularySize = Tokenizers.paddedSize(vocabularySize) }
        guard let rows = model.vocabularySize, rows >= vocabularySize else {
            throw UserError(
                "the model has \(model.vocabularySize ?? 0) token ids, the tokenizer \(vocabularySize)",
                at: "model.vocab_size", fix: "leave it out, or raise it to \(Tokenizers.paddedSize(vocabularySize))"
            )
        }
        guard data.sequenceLength > 0 else {
            throw UserError("sequence_length is \(data.sequenceLength)", at: "data.sequence_length")
        }
        shares = try BatchShares(
            globalBatch: recipe.train.globalBatch, microBatch: recipe.train.microBatch, rank: rank, ranks: ranks)
        self.recipe = recipe
        self.data = data
        self.model = model
        steps = try Self.steps(recipe.train, data)
        schedule = Schedule(
            recipe.schedule.name.shape, peak: recipe.optimizer.learningRate,
            minimum: recipe.schedule.minimumLearningRate, warmupSteps: recipe.schedule.warmupSteps,
            totalSteps: steps)
        threads = max(1, recipe.train.threads ?? recipe.resources.cpusPerRank)
    }

    private static func steps(_ train: TrainSection, _ data: DataSection) throws(UserError) -> Int {
        if let steps = train.steps {
            guard train.tokens == nil, steps > 0 else {
                throw UserError("give one of train.steps and train.tokens, above zero", at: "train")
            }
            return steps
        }
        guard let tokens = train.tokens, tokens > 0 else {
            throw UserError(
                "the recipe does not say how long to train", at: "train", fix: "give train.tokens or train.steps")
        }
        let perStep = train.globalBatch * data.sequenceLength
        return (tokens + perStep - 1) / perStep
    }
}

extension ScheduleSection.ScheduleName {
    fileprivate var shape: Schedule.Shape {
        switch self {
        case .cosine: .cosine
        case .linear: .linear
        case .constant: .constant
        }
    }
}
