import FoundationEssentials

/// How often to save: the interval that loses least.
///
/// J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future Generation
/// Computer Systems 22 (2006), equation 37: with a save that costs δ and M between failures
/// τ = √(2δM) · (1 + ⅓ √(δ/2M) + ⅑ δ/2M) − δ for δ < 2M, else τ = M. The root alone is J. W. Young's, "A first order
/// approximation to the optimum checkpoint interval", Communications of the ACM 17 (1974).
package enum SaveInterval {
    /// - Parameters:
    ///   - cost: seconds of training that a save costs.
    ///   - interruptions: after which what was done since the last save had to be done again; a stop that saved in
    ///     time is none.
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
