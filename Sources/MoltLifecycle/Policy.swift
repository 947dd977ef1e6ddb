/// The limits that the recipe and the site set on a run. What the store holds may be older than a key of it: an absent
/// one has its default.
package struct LifecyclePolicy: Hashable, Sendable, Codable {
    /// Crashes in a row, without an advanced checkpoint, that end the run.
    package var maxCrashes: Int
    /// Ends at the same step with the same error that end the run.
    package var maxRepeats: Int
    /// Failures of nodes, GPUs and networks in a row, without an advanced checkpoint, until a person should look.
    package var maxFaults: Int
    /// Attempts in a row that end at their time limit without an advanced checkpoint.
    package var maxFruitless: Int
    /// Seconds before the next attempt after a failure; it doubles up to the second figure.
    package var backOff: Double
    package var backOffMax: Double
    /// Seconds of running, over all attempts; nil means no cap.
    package var maxTotal: Double?
    /// True: a numerics stop is tried again from the last good checkpoint instead of ending the run.
    package var rollsBackOnNaN: Bool
    package var exclusion: ExclusionPolicy
    /// Seconds for which a job may run before anything of it has claimed the run.
    package var startPatience: Double
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
        maxRepeats = 2
        maxFaults = 8
        maxFruitless = LifecycleLimits.fruitlessLinksMax
        backOff = LifecycleLimits.backOff
        backOffMax = LifecycleLimits.backOffMax
        exclusion = ExclusionPolicy()
        startPatience = LifecycleLimits.startPatience
    }

    package init(from decoder: any Decoder) throws {
        let stored = try decoder.container(keyedBy: CodingKeys.self)
        self.init()
        func read<Value: Decodable>(_ key: CodingKeys, _ field: WritableKeyPath<Self, Value>) throws {
            if let value = try stored.decodeIfPresent(Value.self, forKey: key) { self[keyPath: field] = value }
        }
        try read(.maxCrashes, \.maxCrashes)
        try read(.maxRepeats, \.maxRepeats)
        try read(.maxFaults, \.maxFaults)
        try read(.maxFruitless, \.maxFruitless)
        try read(.backOff, \.backOff)
        try read(.backOffMax, \.backOffMax)
        try read(.maxTotal, \.maxTotal)
        try read(.rollsBackOnNaN, \.rollsBackOnNaN)
        try read(.exclusion, \.exclusion)
        try read(.startPatience, \.startPatience)
        try read(.isForeign, \.isForeign)
    }

    private enum CodingKeys: String, CodingKey {
        case maxCrashes, maxRepeats, maxFaults, maxFruitless, backOff, backOffMax, maxTotal, rollsBackOnNaN, exclusion
        case isForeign, startPatience
    }
}

/// When a node is left out, and for how long. Seconds throughout.
package struct ExclusionPolicy: Hashable, Sendable, Codable {
    /// A failure within so long of the start may be the node's fault.
    package var fastFailure: Double = 60
    /// So many of them within `window` leave the node out.
    package var failures: Int = 2
    package var window: Double = 3600
    /// A node that was left out is tried again after this.
    package var decay: Double = 86400
    /// At most this part of a partition is left out (one node always may be).
    package var share: Double = 0.25

    package init() {}
}
