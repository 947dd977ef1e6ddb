package import MoltData

/// Where a run is, besides its tensors: part of every checkpoint.
package struct TrainingProgress: Codable, Equatable, Sendable {
    /// Optimizer steps taken.
    package var step = 0
    /// Tokens (positions) read in those steps.
    package var tokens = 0
    /// The first sample of the next step.
    package var position = DataPosition()
    /// The optimizer's own count; bias correction depends on it.
    package var optimizerSteps = 0
    /// First samples of batches that gave a non-finite step and are passed over.
    package var skipped: [DataPosition] = []
    /// Identifies the training data, so that other data under the same names is noticed.
    package var dataFingerprint = ""
    /// Nil before the first validation during training.
    package var validation: ValidationRecord?
}

/// What one optimizer step was: everything that is logged hangs off it.
package struct StepReport: Equatable, Sendable {
    package var step: Int
    /// Mean over the targets of the global batch, before the step.
    package var loss: Double
    /// Positions of the global batch.
    package var tokens: Int
    package var targets: Int
    package var learningRate: Double
    /// Before clipping.
    package var gradientNorm: Double
    package var seconds: Double
    /// Of them, without waiting for other ranks; nil when this rank was saving, too.
    package var own: Double?
}
