/// Lets through so much at once, and so much a minute from then on: a bucket that fills up again.
package struct RateLimit: Sendable {
    package let atOnce: Double
    package let aMinute: Double
    private var left: Double
    private var filledAt: Double?

    package init(atOnce: Double, aMinute: Double) {
        self.atOnce = atOnce
        self.aMinute = aMinute
        left = atOnce
    }

    /// Takes what is asked for, or says how many seconds to wait for it.
    package mutating func take(_ amount: Double, at now: Double) -> Double? {
        // A clock that was set back fills nothing, and empties nothing.
        left = min(atOnce, left + max(0, now - (filledAt ?? now)) * aMinute / 60)
        filledAt = now
        guard left < amount else {
            left -= amount
            return nil
        }
        return (min(amount, atOnce) - left) * 60 / aMinute
    }
}
