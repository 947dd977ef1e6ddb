/// A generator whose numbers depend on its seed alone, on every machine and with every Swift release.
///
/// SplitMix64 (Steele, Lea, Flood 2014). The standard library's `shuffle` promises no fixed algorithm, so ours is here.
package struct SeededGenerator {
    private var state: UInt64

    /// Mixes the words one after the other, so that (seed, epoch) pairs give unrelated streams.
    package init(_ words: UInt64...) {
        state = 0x9E37_79B9_7F4A_7C15
        for word in words {
            state ^= word
            state = next()
        }
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Uniform in `0..<bound`, without the bias of a plain remainder.
    package mutating func below(_ bound: UInt64) -> UInt64 {
        precondition(bound > 0, "an empty range has no number")
        let threshold = (0 &- bound) % bound
        while true {
            let wide = next().multipliedFullWidth(by: bound)
            if wide.low >= threshold { return wide.high }
        }
    }

    /// Uniform in `[0, 1)` with 53 random bits.
    package mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// The numbers `0..<count` in random order (Fisher–Yates), the same one in whatever type they are.
    package mutating func permutation<Number: FixedWidthInteger>(
        _ count: Int, of type: Number.Type = Int.self
    ) -> [Number] {
        var order = (0..<count).map { Number($0) }
        for last in stride(from: count - 1, to: 0, by: -1) {
            order.swapAt(last, Int(below(UInt64(last + 1))))
        }
        return order
    }
}
