/// How a parameter gets its first values.
package enum Initializer: Hashable, Sendable {
    case zeros
    case ones
    case normal(deviation: Double)
    /// Uniform in ±1/√fanIn, times `gain`: what torch gives linear and convolution layers.
    case fanIn(Int, gain: Double = 1)
    /// The logarithm of a number uniform in the range.
    case logOfUniform(ClosedRange<Double>)
    /// A number whose softplus is log-uniform in the range, but never below the floor.
    case inverseSoftplusOfLogUniform(ClosedRange<Double>, floor: Double)
    /// A number Λ with softplus(Λ) = −ln a, for a² uniform between the squares of the bounds.
    case inverseSoftplusOfDecay(ClosedRange<Double>)
    /// The logarithm of a log-uniform number, which is uniform between the bounds' logarithms.
    case logUniform(ClosedRange<Double>)
    /// Each row the same: f(0), f(1), ...
    case rows(RowFunction)

    package enum RowFunction: Hashable, Sendable {
        /// ln(n + 1)
        case logarithm
        /// π n
        case piMultiple
        case constant(Double)
    }

    /// The seed of one parameter: FNV-1a over its name, mixed with the seed of the run.
    package static func seed(for name: String, run: Int) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for shift in stride(from: 0, to: 64, by: 8) {
            hash = (hash ^ (UInt64(bitPattern: Int64(run)) >> UInt64(shift) & 0xff)) &* 0x100_0000_01b3
        }
        return Int(truncatingIfNeeded: hash >> 1)
    }
}
