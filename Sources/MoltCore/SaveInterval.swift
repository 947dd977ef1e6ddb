import FoundationEssentials

/// How often to save: the interval that loses least, after Young and Daly.
package enum SaveInterval {
    /// - Parameters:
    ///   - cost: seconds of training that a save costs.
    ///   - seconds: of running in which the interruptions came.
    /// - Returns: seconds between saves; nil while nothing is known.
    package static func best(cost: Double, interruptions: Int, in seconds: Double) -> Double? {
        guard cost > 0, interruptions > 0, seconds > 0 else { return nil }
        let between = seconds / Double(interruptions)
        // Beyond this the approximation is none: the run hardly lives longer than a save takes.
        guard cost < 2 * between else { return between }
        let part = cost / (2 * between)
        return (2 * cost * between).squareRoot() * (1 + part.squareRoot() / 3 + part / 9) - cost
    }

    /// The part of the time that goes into saves and into repeated work at an interval.
    package static func loss(every interval: Double, cost: Double, interruptions: Int, in seconds: Double) -> Double? {
        guard interval > 0, cost >= 0, seconds > 0 else { return nil }
        return cost / interval + Double(interruptions) / seconds * (interval / 2 + cost)
    }
}
