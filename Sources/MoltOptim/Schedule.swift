#if canImport(Glibc)
import Glibc
#endif

/// The learning rate by optimizer step: a line up from zero, then the shape, then the minimum for ever.
package struct Schedule: Hashable, Sendable {
    package enum Shape: Hashable, Sendable { case cosine, linear, constant }

    package let shape: Shape
    package let peak: Double
    package let minimum: Double
    package let warmupSteps: Int
    package let totalSteps: Int

    package init(_ shape: Shape, peak: Double, minimum: Double = 0, warmupSteps: Int = 0, totalSteps: Int) {
        precondition(warmupSteps >= 0 && totalSteps >= 0, "steps cannot be negative")
        self.shape = shape
        self.peak = peak
        self.minimum = minimum
        self.warmupSteps = warmupSteps
        self.totalSteps = totalSteps
    }

    /// The rate of the step after `step` finished ones: the first is never zero unless the peak is, the last of a
    /// falling shape is the minimum.
    package func rate(after step: Int) -> Double {
        let number = step + 1
        if number <= warmupSteps { return peak * Double(number) / Double(warmupSteps) }
        let falling = max(1, totalSteps - warmupSteps)
        let progress = min(1, Double(number - warmupSteps) / Double(falling))
        switch shape {
        case .constant: return peak
        case .linear: return peak + (minimum - peak) * progress
        case .cosine: return minimum + (peak - minimum) * (1 + cos(.pi * progress)) / 2
        }
    }
}
