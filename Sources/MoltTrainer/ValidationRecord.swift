package import MoltRecipe

/// What validation during training has found so far: part of every checkpoint, so that a run that is interrupted stops
/// early where it would have without.
package struct ValidationRecord: Codable, Equatable, Sendable {
    /// The lowest loss, and the step it was measured at.
    package private(set) var best: Double
    package private(set) var bestStep: Int
    /// The last one.
    package private(set) var last: Double
    package private(set) var lastStep: Int
    /// The loss that improvement is measured from, and validations in a row that were not below it by enough.
    private var reference: Double
    package private(set) var fruitless = 0

    /// - Parameter loss: one that is not finite counts as worse than any other.
    package init(loss: Double, step: Int) {
        let loss = Self.comparable(loss)
        (best, bestStep, last, lastStep, reference) = (loss, step, loss, step, loss)
    }

    /// - Returns: whether this is the best so far.
    package mutating func add(loss: Double, step: Int, minimumDelta: Double) -> Bool {
        let loss = Self.comparable(loss)
        (last, lastStep) = (loss, step)
        if loss < reference - minimumDelta {
            (reference, fruitless) = (loss, 0)
        } else {
            fruitless += 1
        }
        guard loss < best else { return false }
        (best, bestStep) = (loss, step)
        return true
    }

    package func stops(_ rule: EarlyStopping?) -> Bool {
        rule.map { fruitless >= $0.patience } ?? false
    }

    /// JSON has no infinity.
    private static func comparable(_ loss: Double) -> Double {
        loss.isFinite ? loss : .greatestFiniteMagnitude
    }
}
