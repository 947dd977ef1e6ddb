package import MoltCore

/// How long, in what portions and in which precision.
package struct TrainSection: Codable, Hashable, Sendable {
    /// Exactly one of tokens and steps decides the length; the other is derived.
    package var tokens: Int?
    package var steps: Int?
    /// Sequences an optimizer step, over all ranks.
    package var globalBatch: Int = 8
    /// Sequences a rank takes at once.
    package var microBatch: Int = 1
    package var precision: Precision = .fp32
    package var seed: Int = 1
    /// Optimizer steps between validation passes; 0 means only at the end.
    package var evaluateEvery: Int = 0
    /// Upper limit of validation sequences a pass; 0 means all.
    package var evaluateSequences: Int = 64
    /// Threads a rank; nil means the cores it was given.
    package var threads: Int?
    /// Ends the run when validation no longer improves; nil never does.
    package var earlyStopping: EarlyStopping?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case tokens, steps, precision, seed, threads
        case globalBatch = "global_batch"
        case microBatch = "micro_batch"
        case evaluateEvery = "eval_every"
        case evaluateSequences = "eval_sequences"
        case earlyStopping = "early_stopping"
    }

    package init() {}
}

package struct ScheduleSection: Codable, Hashable, Sendable {
    package var name: ScheduleName = .cosine
    package var warmupSteps: Int = 0
    package var minimumLearningRate: Double = 0

    package enum ScheduleName: String, Codable, Sendable, CaseIterable { case cosine, linear, constant }

    enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case warmupSteps = "warmup_steps"
        case minimumLearningRate = "min_lr"
    }

    package init() {}
}

/// Data parallelism fills what the others leave.
package struct ParallelSection: Codable, Hashable, Sendable {
    package var tensor: Int = 1
    package var pipeline: Int = 1
    package var sequence: Bool = false

    enum CodingKeys: String, CodingKey, CaseIterable { case tensor, pipeline, sequence }

    package init() {}
}
