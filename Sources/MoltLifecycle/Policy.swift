/// The limits that the recipe sets on a run.
package struct LifecyclePolicy: Hashable, Sendable, Codable {
    /// Crashes in a row, without an advanced checkpoint, that end the run.
    package var maxCrashes: Int
    /// Seconds of running, over all attempts; nil means no cap.
    package var maxTotal: Double?
    /// True: a numerics stop goes back to the last good checkpoint instead of ending the run.
    package var rollsBackOnNaN: Bool

    package init(maxCrashes: Int = 3, maxTotal: Double? = nil, rollsBackOnNaN: Bool = false) {
        self.maxCrashes = maxCrashes
        self.maxTotal = maxTotal
        self.rollsBackOnNaN = rollsBackOnNaN
    }
}
