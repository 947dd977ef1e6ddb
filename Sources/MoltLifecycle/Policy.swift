/// The limits that the recipe sets on a run.
package struct LifecyclePolicy: Hashable, Sendable, Codable {
    /// Crashes in a row, without an advanced checkpoint, that end the run.
    package var maxCrashes: Int
    /// Seconds of running, over all attempts; nil means no cap.
    package var maxTotal: Double?
    /// True: a numerics stop goes back to the last good checkpoint instead of ending the run.
    package var rollsBackOnNaN: Bool
    /// True for a program that is not ours: it may save and go on without ever reporting a step. Absent in the store
    /// means no.
    package var isForeign: Bool?

    package init(
        maxCrashes: Int = 3, maxTotal: Double? = nil, rollsBackOnNaN: Bool = false, isForeign: Bool? = nil
    ) {
        self.maxCrashes = maxCrashes
        self.maxTotal = maxTotal
        self.rollsBackOnNaN = rollsBackOnNaN
        self.isForeign = isForeign
    }
}
