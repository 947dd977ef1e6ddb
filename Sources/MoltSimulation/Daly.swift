#if canImport(Glibc)
import Glibc
#endif

/// What a run can make of its time at best when it is interrupted without notice, at random, and saves now and then.
///
/// J. T. Daly, "A higher order estimate of the optimum checkpoint interval for restart dumps", Future Generation
/// Computer Systems 22 (2006), 303–312: with M seconds between interruptions on average, saves of δ seconds after every
/// τ seconds of work and R seconds from an interruption to the first step, T seconds of work take
/// M · exp(R / M) · (exp((τ + δ) / M) − 1) · T / τ.
package enum Daly {
    /// Work over time, for saves every `interval` seconds.
    package static func efficiency(
        every interval: Double, save: Double, restart: Double, between: Double
    ) -> Double {
        interval / (between * exp(restart / between) * (exp((interval + save) / between) - 1))
    }

    /// The best interval, found by search rather than by an approximation.
    package static func best(save: Double, restart: Double, between: Double) -> Double {
        var low = save / 100, high = 20 * between
        // Better up to the best interval and worse from there on, so thirds close in on it.
        for _ in 0..<200 {
            let third = (high - low) / 3
            let left = efficiency(every: low + third, save: save, restart: restart, between: between)
            let right = efficiency(every: high - third, save: save, restart: restart, between: between)
            if left < right { low += third } else { high -= third }
        }
        return (low + high) / 2
    }

    package static func optimum(save: Double, restart: Double, between: Double) -> Double {
        let interval = best(save: save, restart: restart, between: between)
        return efficiency(every: interval, save: save, restart: restart, between: between)
    }
}
